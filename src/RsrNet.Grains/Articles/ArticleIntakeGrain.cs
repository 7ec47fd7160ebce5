using Orleans.Concurrency;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;
using RsrNet.Grains.Coordination;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Articles;

/// <summary>The door for articles: every way in ends here.</summary>
[Alias("rsrnet.article-intake-grain")]
public interface IArticleIntakeGrain : IGrainWithIntegerKey
{
    /// <inheritdoc cref="ILearner.Ingest"/>
    [Alias("put")]
    Task<PutOutcome[]> Put([Immutable] Article[] articles);
}

/// <summary>Stores articles, in one commit, and tells the coordinator. A few to each silo: commits that come together share one.</summary>
[StatelessWorker(4), PreferCpuSilos]
internal sealed class ArticleIntakeGrain(IDocumentStore store, IntakeGauge gauge, LearnerTelemetry telemetry, RsrNetOptions options) : Grain, IArticleIntakeGrain
{
    private static readonly TimeSpan BacklogRetry = TimeSpan.FromSeconds(5);

    public async Task<PutOutcome[]> Put(Article[] articles)
    {
        var waiting = await gauge.Waiting();
        if (waiting >= options.Articles.Backlog) throw new BacklogFullException(waiting, BacklogRetry);
        var startedAt = telemetry.Timestamp();
        using var trace = telemetry.OnIngesting(articles);
        PutOutcome[] outcomes = [.. await store.Put(articles)];
        gauge.OnArrived(outcomes.Count(outcome => !outcome.Duplicate));
        telemetry.OnIngested(outcomes, startedAt, trace);
        // A grain that has the revision before in its hands must not go on with it.
        await Task.WhenAll(outcomes.Where(outcome => outcome is { Duplicate: false, Revision: > 1 })
            .Select(outcome => GrainFactory.GetGrain<IDocumentGrain>(outcome.Id).Reload()));
        GrainFactory.TellLearners();
        return outcomes;
    }
}

/// <summary>How many documents wait, as far as this silo knows: asked of the store now and then.</summary>
public sealed class IntakeGauge(IDocumentStore store, TimeProvider time) : IDisposable
{
    private readonly BacklogGauge gauge = new(store, time);

    public ValueTask<long> Waiting() => gauge.Waiting(CancellationToken.None);

    public void OnArrived(int documents) => gauge.OnArrived(documents);

    public void Dispose() => gauge.Dispose();
}
