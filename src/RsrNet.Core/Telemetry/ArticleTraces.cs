using System.Collections.Concurrent;
using System.Diagnostics;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Telemetry;

/// <summary>
/// Carries the trace of an article from the request that brought it to the weights that came of it: the work happens later, on other threads
/// and in batches, so each step is a child of the request's span. Costs nothing where nobody traces.
/// </summary>
internal sealed class ArticleTraces(TimeProvider time)
{
    /// <summary>Articles under way at most; beyond it new ones are stored without a trace, rather than memory growing with the backlog.</summary>
    private const int Limit = 20_000;

    private readonly ConcurrentDictionary<string, ActivityContext> underWay = new(StringComparer.Ordinal);

    /// <summary>The articles of one call were stored.</summary>
    public void OnIngested(IReadOnlyList<PutOutcome> outcomes, TimeSpan elapsed)
    {
        if (!RsrNetTelemetry.Activities.HasListeners()) return;
        using var span = RsrNetTelemetry.Activities.StartActivity(
            "articles ingest", ActivityKind.Internal, default(ActivityContext), startTime: time.GetUtcNow() - elapsed,
            tags: [new("rsrnet.articles.count", outcomes.Count)]);
        if (span is null) return;
        foreach (var outcome in outcomes)
        {
            if (!outcome.Duplicate && underWay.Count < Limit) underWay[outcome.Id] = span.Context;
        }
    }

    /// <summary>A step on the way of one article took so long and has just ended.</summary>
    /// <param name="name">Stage and what it did, such as <c>replicas refine</c>.</param>
    public void OnStage(string id, string name, TimeSpan elapsed, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (underWay.IsEmpty || !underWay.TryGetValue(id, out var request)) return;
        using var span = RsrNetTelemetry.Activities.StartActivity(name, ActivityKind.Internal, request, startTime: time.GetUtcNow() - elapsed);
        span?.SetTag("rsrnet.document.id", id);
        foreach (var (key, value) in tags) span?.SetTag(key, value);
    }

    /// <summary>The article's way has ended: its document is refined, and learned from where it could be.</summary>
    public void OnFinished(string id)
    {
        if (!underWay.IsEmpty) underWay.TryRemove(id, out _);
    }
}
