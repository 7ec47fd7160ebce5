using System.Collections.Concurrent;
using System.Diagnostics;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Telemetry;

/// <summary>
/// Carries the trace of an article from the request that brought it to the weights that came of it: the work happens later, on other threads
/// and in batches, so each step is a child of the request's span. Costs nothing where nobody traces. Of a flood of articles some are followed:
/// <see cref="PerSecond"/> a second once the first <see cref="Burst"/> are through. An exporter would drop the others' spans, and making them costs learning.
/// </summary>
internal sealed class ArticleTraces(TimeProvider time)
{
    /// <summary>Articles a second that are followed however many come.</summary>
    internal const int PerSecond = 100;

    /// <summary>Articles that are followed beyond that after a quiet time.</summary>
    internal const int Burst = 500;

    /// <summary>Articles under way at most; beyond it new ones are stored without a trace, rather than memory growing with the backlog.</summary>
    private const int Limit = 20_000;

    private readonly ConcurrentDictionary<string, ActivityContext> underWay = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private double allowance = Burst;
    private long allowedAt = time.GetTimestamp();

    /// <summary>Begins to follow the articles of one call, before they are stored: from then on somebody may be at work on them.</summary>
    /// <returns>Null where nobody traces.</returns>
    public IngestTrace? Begin(IReadOnlyList<Article> articles)
    {
        if (!RsrNetTelemetry.Activities.HasListeners()) return null;
        var span = RsrNetTelemetry.Activities.StartActivity("articles ingest", ActivityKind.Internal, default(ActivityContext));
        if (span is null) return null;
        var begun = new HashSet<string>(StringComparer.Ordinal);
        foreach (var article in articles.Take(Allowed(articles.Count)))
        {
            if (underWay.TryAdd(article.Id, span.Context)) begun.Add(article.Id);
        }
        return new IngestTrace(span, begun, underWay);
    }

    /// <summary>How many of so many may be followed.</summary>
    private int Allowed(int articles)
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            allowance = Math.Min(Burst, allowance + PerSecond * time.GetElapsedTime(allowedAt, now).TotalSeconds);
            allowedAt = now;
            var allowed = Math.Clamp(Limit - underWay.Count, 0, Math.Min(articles, (int)allowance));
            allowance -= allowed;
            return allowed;
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

/// <summary>The span of one call that brings articles. Disposed without <see cref="End"/>, none of them was stored.</summary>
public sealed class IngestTrace : IDisposable
{
    private readonly Activity span;
    private readonly HashSet<string> begun;
    private readonly ConcurrentDictionary<string, ActivityContext> underWay;

    internal IngestTrace(Activity span, HashSet<string> begun, ConcurrentDictionary<string, ActivityContext> underWay) =>
        (this.span, this.begun, this.underWay) = (span, begun, underWay);

    /// <summary>The articles were stored: duplicates go no way, and of one that comes anew while it is under way the newest call is followed.</summary>
    public void End(IReadOnlyList<PutOutcome> outcomes)
    {
        span.SetTag("rsrnet.articles.count", outcomes.Count);
        foreach (var outcome in outcomes)
        {
            if (outcome.Duplicate) continue;
            if (!begun.Remove(outcome.Id) && underWay.ContainsKey(outcome.Id)) underWay[outcome.Id] = span.Context;
        }
        Dispose();
    }

    public void Dispose()
    {
        foreach (var id in begun) underWay.TryRemove(new(id, span.Context));
        begun.Clear();
        span.Dispose();
    }
}
