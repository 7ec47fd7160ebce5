using System.Collections.Concurrent;
using System.Diagnostics;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Tests.Learner;

namespace RsrNet.Core.Tests.Telemetry;

/// <summary>The trace of an article, as a tracer sees it. Other tests' learners are traced meanwhile; ids tell whose spans are whose.</summary>
public sealed class ArticleTracesTests : IDisposable
{
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly ActivityListener _tracer;

    public ArticleTracesTests()
    {
        _tracer = new ActivityListener
        {
            ShouldListenTo = source => source.Name is RsrNetTelemetry.Name or nameof(ArticleTracesTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_tracer);
    }

    public void Dispose() => _tracer.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LabelledArticle_IsFollowedFromTheRequestToItsNewWeights()
    {
        await using var learner = await LocalLearner.Open(
            new RsrNetOptions { Coordination = new() { BatchSize = 4, MinimumBatch = 2, BatchWaitMs = 5 }, Documents = new() { RefreshWhenIdle = false } },
            new TinyEncoder(), new MemoryDocumentStore(), new MemoryCheckpoints(), cancellation: Cancellation);
        learner.Start();
        using var source = new ActivitySource(nameof(ArticleTracesTests));
        ActivityTraceId trace;
        using (var request = source.StartActivity("POST /v1/articles"))
        {
            trace = request!.TraceId;
            await learner.Ingest(
                [.. Enumerable.Range(0, 4).Select(i => new Article($"traced-{i}", $"story number {i} of rain") { Highlights = [$"rain {i}"] })], Cancellation);
        }
        var limit = Stopwatch.StartNew();
        while (Of("replicas refine").Length < 4)
        {
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(30), "the articles were not refined to the end in half a minute");
            await Task.Delay(20, Cancellation);
        }

        var ingest = Assert.Single(_spans, span => span.OperationName == "articles ingest" && span.TraceId == trace);
        Assert.Equal(4, ingest.GetTagItem("rsrnet.articles.count"));
        foreach (var stage in (string[])["embedding encode", "coordination learn", "replicas refine"])
        {
            Assert.All(Of(stage), span => Assert.Equal((trace, ingest.SpanId), (span.TraceId, span.ParentSpanId)));
            Assert.True(Of(stage).Length == 4, $"{Of(stage).Length} spans of '{stage}' for 4 articles");
        }
        var document = await learner.Find("traced-2", Cancellation);
        var learned = Assert.Single(Of("coordination learn"), span => (string?)span.GetTagItem("rsrnet.document.id") == "traced-2");
        Assert.Equal(document!.LearnedAt, learned.GetTagItem("rsrnet.weights.version"));
    }

    [Fact]
    public void FinishedArticle_IsFollowedNoFurther()
    {
        var traces = new ArticleTraces(TimeProvider.System);
        traces.Begin([new Article("done-1", "text")])!.End([new PutOutcome("done-1", 1, 1, DateTimeOffset.UtcNow, Duplicate: false, DocumentStatus.Pending)]);
        traces.OnStage("done-1", "embedding encode", TimeSpan.FromMilliseconds(5));
        traces.OnFinished("done-1");
        traces.OnStage("done-1", "replicas refine", TimeSpan.FromMilliseconds(1));

        var span = Assert.Single(_spans, span => (string?)span.GetTagItem("rsrnet.document.id") == "done-1");
        Assert.Equal("embedding encode", span.OperationName);
        Assert.InRange(span.Duration.TotalMilliseconds, 5, 5_000);
    }

    [Fact]
    public void Duplicate_IsNotFollowed()
    {
        var traces = new ArticleTraces(TimeProvider.System);
        traces.Begin([new Article("again-1", "text")])!.End([new PutOutcome("again-1", 1, 1, DateTimeOffset.UtcNow, Duplicate: true, DocumentStatus.Converged)]);
        traces.OnStage("again-1", "embedding encode", TimeSpan.Zero);
        Assert.DoesNotContain(_spans, span => (string?)span.GetTagItem("rsrnet.document.id") == "again-1");
    }

    [Fact]
    public void ArticleAtWorkBeforeItsCallReturns_IsFollowed_AndOneThatWasNotStoredIsNot()
    {
        var traces = new ArticleTraces(TimeProvider.System);
        var trace = traces.Begin([new Article("early-1", "text")])!;
        traces.OnStage("early-1", "embedding encode", TimeSpan.Zero);
        traces.OnFinished("early-1");
        trace.End([new PutOutcome("early-1", 1, 1, DateTimeOffset.UtcNow, Duplicate: false, DocumentStatus.Pending)]);
        traces.Begin([new Article("lost-1", "text")])!.Dispose();
        traces.OnStage("lost-1", "embedding encode", TimeSpan.Zero);
        traces.OnStage("early-1", "replicas refine", TimeSpan.Zero);
        Assert.Equal(
            ["embedding encode"],
            _spans.Where(span => span.GetTagItem("rsrnet.document.id") is "early-1" or "lost-1").Select(span => span.OperationName));
    }

    [Fact]
    public void Flood_IsFollowedInPart_AndAQuietTimeMakesRoomAgain()
    {
        var time = new StandingTime();
        var traces = new ArticleTraces(time);
        int Followed(string batch, int articles)
        {
            traces.Begin([.. Enumerable.Range(0, articles).Select(i => new Article($"{batch}-{i}", "text"))])!.End(
                [.. Enumerable.Range(0, articles).Select(i => new PutOutcome($"{batch}-{i}", 1, 1, DateTimeOffset.UtcNow, Duplicate: false, DocumentStatus.Pending))]);
            for (var i = 0; i < articles; i++) traces.OnStage($"{batch}-{i}", "embedding encode", TimeSpan.Zero);
            return _spans.Count(span => (span.GetTagItem("rsrnet.document.id") as string)?.StartsWith(batch + "-", StringComparison.Ordinal) == true);
        }

        Assert.Equal(ArticleTraces.Burst, Followed("flood", ArticleTraces.Burst + 50));
        Assert.Equal(0, Followed("none", 10));
        time.Now += TimeSpan.FromSeconds(0.5);
        Assert.Equal(ArticleTraces.PerSecond / 2, Followed("some", 1000));
        time.Now += TimeSpan.FromHours(1);
        Assert.Equal(ArticleTraces.Burst, Followed("later", 10 * ArticleTraces.Burst));
    }

    private Activity[] Of(string stage) => [.. _spans.Where(span =>
        span.OperationName == stage && (span.GetTagItem("rsrnet.document.id") as string)?.StartsWith("traced-", StringComparison.Ordinal) == true)];
}
