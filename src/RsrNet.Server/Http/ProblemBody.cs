using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using RsrNet.Server.Articles;

namespace RsrNet.Server.Http;

/// <summary>Problem details (RFC 9457): what every answer other than a success holds.</summary>
public sealed record ProblemBody
{
    /// <summary>The kind of problem; <c>about:blank</c> means that status and title say it all.</summary>
    public string Type { get; init; } = "about:blank";

    public required string Title { get; init; }

    public required int Status { get; init; }

    /// <summary>What is wrong with this request and what to do.</summary>
    public string? Detail { get; init; }

    /// <summary>Messages by the name of the field or parameter they are about; <c>body</c> for the body as a whole.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>Of an NDJSON request that ended early: articles of it that are stored and stay so.</summary>
    public long? Accepted { get; init; }

    /// <summary>Of an NDJSON request that ended early: articles that were there already.</summary>
    public long? Duplicates { get; init; }

    /// <summary>Of an NDJSON request that ended early: the lines before <see cref="NextLine"/> that were refused.</summary>
    public IReadOnlyList<LineProblem>? Rejected { get; init; }

    /// <summary>Of an NDJSON request that ended early: the first line that was not dealt with, from 1. Send the rest from there.</summary>
    public long? NextLine { get; init; }

    public static ProblemBody Of(int status, string? detail = null) => new() { Status = status, Title = TitleOf(status), Detail = detail };

    /// <summary>A request with wrong fields or parameters.</summary>
    public static ProblemBody Of(FieldProblems problems) =>
        Of(StatusCodes.Status400BadRequest, problems.Detail) with { Errors = problems.ByField() };

    public ProblemResult ToResult(TimeSpan? retryAfter = null) => new(this, retryAfter);

    private static string TitleOf(int status)
    {
        var phrase = ReasonPhrases.GetReasonPhrase(status);
        return phrase.Length > 0 ? phrase : status.ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>Writes problem details with their status.</summary>
/// <param name="retryAfter">When trying again makes sense; null to say nothing of it.</param>
public sealed class ProblemResult(ProblemBody problem, TimeSpan? retryAfter) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = problem.Status;
        if (retryAfter is { } wait)
        {
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }
        return response.WriteAsJsonAsync(problem, ApiJson.Relaxed.ProblemBody, "application/problem+json", httpContext.RequestAborted);
    }
}

/// <summary>Collects what is wrong with a request's fields, so that all of it is said at once.</summary>
public sealed class FieldProblems
{
    private readonly List<(string Field, string Message)> _problems = [];

    public bool Any => _problems.Count > 0;

    /// <summary>All of it in one line.</summary>
    public string Detail => string.Join(
        "; ", _problems.Select(problem => problem.Field == "body" ? problem.Message : $"{problem.Field}: {problem.Message}"));

    /// <param name="field">Empty for the body as a whole.</param>
    public void Add(string field, string message) => _problems.Add((field.Length == 0 ? "body" : field, message));

    public IReadOnlyDictionary<string, string[]> ByField() =>
        _problems.GroupBy(problem => problem.Field, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Select(problem => problem.Message).ToArray(), StringComparer.Ordinal);
}
