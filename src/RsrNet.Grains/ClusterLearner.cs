using System.Runtime.CompilerServices;
using Orleans.Runtime;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;
using RsrNet.Grains.Articles;
using RsrNet.Grains.Coordination;
using RsrNet.Grains.Coordination.Models;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains;

/// <summary>The learner that a cluster is, from the outside: on a gateway, or inside a silo. It asks grains and keeps nothing.</summary>
/// <param name="grains">The cluster's client, or a silo's grain factory.</param>
/// <param name="encoder">The same as on the silos; embeds what is searched for, and chooses summary sentences.</param>
public sealed class ClusterLearner(IGrainFactory grains, ITextEncoder encoder, SearchShards search) : ILearner
{
    /// <summary>Articles of one call to a silo, so that a long list does not become one huge message.</summary>
    private const int Portion = 256;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private readonly ClusterReadout readout = new(grains, encoder);

    private ICoordinatorGrain Coordinator => grains.GetGrain<ICoordinatorGrain>(0);

    public async Task<IReadOnlyList<PutOutcome>> Ingest(IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        var intake = grains.GetGrain<IArticleIntakeGrain>(0);
        if (articles.Count <= Portion) return await ClusterCall.Ask(intake.Put([.. articles]), cancellation);
        var outcomes = new List<PutOutcome>(articles.Count);
        foreach (var portion in articles.Chunk(Portion)) outcomes.AddRange(await ClusterCall.Ask(intake.Put(portion), cancellation));
        return outcomes;
    }

    public Task<Document?> Find(string id, CancellationToken cancellation = default) => ClusterCall.Ask(Document(id).Find(), cancellation);

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default)
    {
        DocumentCursor.Start(query); // says here, where the caller is, what is wrong with it
        return ClusterCall.Ask(grains.GetGrain<IDocumentQueriesGrain>(0).List(query), cancellation);
    }

    public Task<AmendOutcome?> Amend(string id, Amendment amendment, CancellationToken cancellation = default) =>
        ClusterCall.Ask(Document(id).Amend(amendment), cancellation);

    public Task<Document?> Refine(string id, RefineRequest request, CancellationToken cancellation = default) =>
        ClusterCall.Ask(Document(id).Refine(request), cancellation);

    public async IAsyncEnumerable<TrajectoryPoint> Watch(string id, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (await Find(id, cancellation) is not { } followed) yield break;
        var (last, at) = (followed.State?.Step ?? 0, followed.Trajectory.Points.LastOrDefault().At);
        while (true)
        {
            await using var steps = Document(id).Watch(followed.Sequence, followed.Revision, last, cancellation).GetAsyncEnumerator(cancellation);
            while (true)
            {
                try
                {
                    if (!await steps.MoveNextAsync()) yield break;
                }
                catch (Exception exception) when (exception is EnumerationAbortedException or OrleansException && !cancellation.IsCancellationRequested)
                {
                    // Its silo has gone, and the document goes on elsewhere; or it was deleted, which the next call will say.
                    await Task.Delay(RetryAfter, cancellation);
                    break;
                }
                // Seen before; but a new revision begins to count anew.
                if (steps.Current.Step <= last && steps.Current.At <= at) continue;
                (last, at) = (steps.Current.Step, steps.Current.At);
                yield return steps.Current;
            }
        }
    }

    public Task<bool> Delete(string id, CancellationToken cancellation = default) => ClusterCall.Ask(Document(id).Delete(), cancellation);

    public async Task<IReadOnlyList<SearchHit>?> Search(SearchQuery query, CancellationToken cancellation = default)
    {
        if (query.Id is null) return await ClusterCall.Ask(search.Search(SearchVector.Of(Encoded(query.Text ?? ""), default), query.K), cancellation);
        if (await Find(query.Id, cancellation) is not { } document) return null;
        var embedding = document.Embedding ?? encoder.Embed(document.Article);
        return await ClusterCall.Ask(search.Search(SearchVector.Of(embedding.X, document.State?.Y), query.K, except: query.Id), cancellation);
    }

    public async ValueTask<ReadoutSummary> Summarize(Document document, CancellationToken cancellation = default) =>
        await ClusterCall.Ask(readout.Of(document), cancellation);

    public async Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default) => await ClusterCall.Ask(Coordinator.ListWeights(), cancellation);

    public Task<Checkpoint?> FindWeights(long? version, CancellationToken cancellation = default) => ClusterCall.Ask(Coordinator.FindWeights(version), cancellation);

    public Task<long> ImportWeights(Checkpoint weights, CancellationToken cancellation = default) => ClusterCall.Ask(Coordinator.ImportWeights(weights), cancellation);

    public async Task<long?> RestoreWeights(long version, CancellationToken cancellation = default) =>
        await FindWeights(version, cancellation) is { } kept ? await ImportWeights(kept, cancellation) : null;

    public Task<WeightSummary> SaveWeights(CancellationToken cancellation = default) => ClusterCall.Ask(Coordinator.SaveWeights(), cancellation);

    public Task<ShadowReport?> ReadShadow(CancellationToken cancellation = default) => ClusterCall.Ask(grains.GetGrain<IShadowGrain>(0).Read(), cancellation);

    public Task<long?> PromoteShadow(CancellationToken cancellation = default) => ClusterCall.Ask(Coordinator.PromoteShadow(), cancellation);

    public Task<TelemetrySnapshot> ReadTelemetry(CancellationToken cancellation = default) => ClusterCall.Ask(Coordinator.ReadTelemetry(), cancellation);

    public Task<DocumentMapView> ReadMap(long since = 0, CancellationToken cancellation = default) => ClusterCall.Ask(grains.GetGrain<IDocumentMapGrain>(0).Read(since), cancellation);

    public Task<DocumentRanking> Rank(DocumentOrder order, CancellationToken cancellation = default) => ClusterCall.Ask(grains.GetGrain<IDocumentMapGrain>(0).Rank(order), cancellation);

    public Task<double?> MeasureContraction(string id, CancellationToken cancellation = default) => ClusterCall.Ask(Document(id).MeasureContraction(), cancellation);

    public async Task<MapComparison> CompareWithUntrained(IReadOnlyList<string> ids, CancellationToken cancellation = default)
    {
        // A chunk at a time, so that learning waits for none of them long.
        var replica = grains.GetGrain<IReplicaGrain>(0);
        List<MapVector> before = [], after = [];
        foreach (var chunk in ids.Take(2000).Chunk(Portion))
        {
            before.AddRange(await ClusterCall.Ask(replica.Outcomes(chunk, untrained: true), cancellation));
            after.AddRange(await ClusterCall.Ask(replica.Outcomes(chunk, untrained: false), cancellation));
        }
        return MapComparison.Of(before, after);
    }

    /// <summary>Has the cluster end what is under way and write a checkpoint, before all of it is stopped.</summary>
    public Task Rest() => ClusterCall.Ask(Rested(), default);

    /// <summary>Nothing to do: the cluster goes on.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<bool> Rested()
    {
        await Task.WhenAll(Coordinator.Rest(), grains.GetGrain<IModelDirectoryGrain>(0).Rest());
        return true;
    }

    private IDocumentGrain Document(string id) => grains.GetGrain<IDocumentGrain>(id);

    private float[] Encoded(string text)
    {
        var vector = new float[encoder.Dimensions];
        encoder.Encode([text], vector);
        return vector;
    }
}
