using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using RsrNet.Core;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Http;

/// <summary>
/// Turns every failure into problem details: exceptions, and answers such as 404 and 405 that routing gives without a body.
/// </summary>
internal static class ProblemResponses
{
    /// <summary>A full disk or a lost database may be back after so long.</summary>
    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(5);

    public static void UseProblemResponses(this WebApplication app)
    {
        app.Use(async (context, next) =>
        {
            try
            {
                await next(context);
            }
            catch (Exception problem) when (problem is OperationCanceledException or IOException
                && context.RequestAborted.IsCancellationRequested)
            {
                // Nobody is there to answer.
            }
            catch (Exception problem) when (!context.Response.HasStarted)
            {
                context.Response.Clear();
                await Explain(problem, app.Logger).ExecuteAsync(context);
            }
        });
        app.UseStatusCodePages(pages =>
        {
            var context = pages.HttpContext;
            return ProblemBody.Of(context.Response.StatusCode, DetailOf(context)).ToResult().ExecuteAsync(context);
        });
    }

    /// <summary>The answer for an exception.</summary>
    internal static ProblemResult Explain(Exception problem, ILogger logger)
    {
        switch (problem)
        {
            case BadHttpRequestException bad:
                return ProblemBody.Of(bad.StatusCode, bad.Message).ToResult();
            case BacklogFullException full:
                return ProblemBody.Of(StatusCodes.Status429TooManyRequests, full.Message).ToResult(full.RetryAfter);
            case StoreUnavailableException:
                logger.LogWarning("{Problem}", problem.Message);
                return ProblemBody.Of(StatusCodes.Status503ServiceUnavailable, problem.Message).ToResult(StoreRetry);
            case OperationCanceledException or ObjectDisposedException:
                return ProblemBody.Of(StatusCodes.Status503ServiceUnavailable, "the server is stopping; try again in a moment")
                    .ToResult(StoreRetry);
            // A checkpoint that could not be written or read.
            case IOException or UnauthorizedAccessException:
                logger.LogWarning("{Problem}", problem.Message);
                return ProblemBody.Of(StatusCodes.Status503ServiceUnavailable, problem.Message).ToResult(StoreRetry);
            default:
                logger.LogError(problem, "a request failed");
                return ProblemBody.Of(StatusCodes.Status500InternalServerError, "the server made a mistake; its log says more").ToResult();
        }
    }

    private static string? DetailOf(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => $"there is nothing at {context.Request.Path}; /openapi/v1.json lists what there is",
        StatusCodes.Status405MethodNotAllowed =>
            $"{context.Request.Method} is not possible here; possible: {context.Response.Headers.Allow}",
        _ => null,
    };
}
