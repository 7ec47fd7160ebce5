using System.Globalization;
using Microsoft.AspNetCore.Http;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Server.Http;

namespace RsrNet.Server.Articles;

/// <summary>
/// One NDJSON request. Lines are read as they arrive and stored in batches, the next one parsed while the one before is written. A full
/// backlog slows
/// the reading down for a while before it ends the request. What was stored stays stored however the request ends.
/// </summary>
internal sealed class LineIngest(ILearner learner, ArticleLimits limits, ServerOptions options, TimeProvider time)
{
    /// <summary>Articles of one commit: enough to make the disk's flush cheap, few enough to answer others in between.</summary>
    private const int BatchSize = 256;

    /// <summary>Characters of one commit, for batches of long articles.</summary>
    private const int BatchCharacters = 4 * 1024 * 1024;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly List<LineProblem> _rejected = [];
    private long _accepted, _duplicates;

    public async Task<IResult> Run(HttpRequest request, CancellationToken cancellation)
    {
        RequestBody.Unlimit(request);
        var storing = Task.CompletedTask;
        // The first line of the batch that is being stored, and of the one that is being collected.
        long storingFrom = 1, collectingFrom = 1;
        var batch = new List<Article>(BatchSize);
        var characters = 0;
        try
        {
            await foreach (var item in ArticleLines.Read(request.Body, "body", limits, cancellation))
            {
                if (item.Index >= limits.BatchLines)
                {
                    await Store(item.Line!.Value);
                    await storing;
                    storingFrom = collectingFrom;
                    throw new BadHttpRequestException(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"the request has more than {limits.BatchLines:N0} lines; send the rest in another"),
                        StatusCodes.Status413PayloadTooLarge);
                }
                if (!item.Reading.IsAccepted)
                {
                    _rejected.Add(new LineProblem(item.Line!.Value, item.Reading.Error));
                    continue;
                }
                batch.Add(item.Reading.Article);
                characters += item.Reading.Article.Text.Length;
                if (batch.Count == BatchSize || characters >= BatchCharacters) await Store(item.Line!.Value + 1);
            }
            await Store(long.MaxValue);
            await storing;
        }
        catch (Exception problem) when (!request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            await Task.WhenAny(storing);
            return EndedEarly(problem, storing.IsFaulted ? storingFrom : collectingFrom);
        }
        return new ApiAnswer<LinesReceipt>(new LinesReceipt(_accepted, _duplicates, _rejected), ApiJson.Relaxed.LinesReceipt);

        async Task Store(long next)
        {
            await storing;
            (storingFrom, collectingFrom) = (collectingFrom, next);
            if (batch.Count == 0) return;
            storing = Ingest(batch, cancellation);
            batch = new List<Article>(BatchSize);
            characters = 0;
        }
    }

    private async Task Ingest(List<Article> articles, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                foreach (var outcome in await learner.Ingest(articles, cancellation))
                {
                    if (outcome.Duplicate) _duplicates++;
                    else _accepted++;
                }
                return;
            }
            catch (BacklogFullException full) when (time.GetElapsedTime(began).TotalSeconds < options.BacklogWaitSeconds)
            {
                await Task.Delay(full.RetryAfter < LongestPause ? full.RetryAfter : LongestPause, time, cancellation);
            }
        }
    }

    private ProblemResult EndedEarly(Exception problem, long nextLine)
    {
        // Lines behind the next one come again, and with them what is wrong with them.
        _rejected.RemoveAll(rejected => rejected.Line >= nextLine);
        var body = problem switch
        {
            BacklogFullException or StoreUnavailableException or BadHttpRequestException =>
                ProblemBody.Of(StatusOf(problem), problem.Message),
            OperationCanceledException or ObjectDisposedException => ProblemBody.Of(503, "the server is stopping"),
            _ => null,
        };
        if (body is null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(problem);
        body = body with
        {
            Detail = string.Create(
                CultureInfo.InvariantCulture,
                $"{body.Detail}. Of this request {_accepted:N0} articles are stored and stay so; go on with line {nextLine}, " +
                $"or send all of it again: what is there already is a duplicate"),
            Accepted = _accepted,
            Duplicates = _duplicates,
            Rejected = _rejected,
            NextLine = nextLine,
        };
        return body.ToResult(problem is BacklogFullException full ? full.RetryAfter : body.Status == 503 ? TimeSpan.FromSeconds(5) : null);
    }

    private static int StatusOf(Exception problem) => problem switch
    {
        BacklogFullException => StatusCodes.Status429TooManyRequests,
        BadHttpRequestException bad => bad.StatusCode,
        _ => StatusCodes.Status503ServiceUnavailable,
    };
}
