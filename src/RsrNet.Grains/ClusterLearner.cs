using System.Runtime.CompilerServices;
using Orleans.Runtime;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;
using RsrNet.Grains.Articles;
using RsrNet.Grains.Coordination;
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

    private readonly Readout readout = new(encoder);

    private ICoordinatorGrain Coordinator => grains.GetGrain<ICoordinatorGrain>(0);

    public async Task<IReadOnlyList<PutOutcome>> Ingest(IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        var intake = grains.GetGrain<IArticleIntakeGrain>(0);
        if (articles.Count <= Portion) return await intake.Put([.. articles]).WaitAsync(cancellation);
        var outcomes = new List<PutOutcome>(articles.Count);
        foreach (var portion in articles.Chunk(Portion)) outcomes.AddRange(await intake.Put(portion).WaitAsync(cancellation));
        return outcomes;
    }

    public Task<Document?> Find(string id, CancellationToken cancellation = default) => Document(id).Find().WaitAsync(cancellation);

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default)
    {
        DocumentCursor.Start(query); // says here, where the caller is, what is wrong with it
        return grains.GetGrain<IDocumentQueriesGrain>(0).List(query).WaitAsync(cancellation);
    }

    public Task<Document?> Refine(string id, RefineRequest request, CancellationToken cancellation = default) =>
        Document(id).Refine(request).WaitAsync(cancellation);

    public async IAsyncEnumerable<TrajectoryPoint> Watch(string id, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var last = 0;
        while (true)
        {
            await using var steps = Document(id).Watch(cancellation).GetAsyncEnumerator(cancellation);
            while (true)
            {
                try
                {
                    if (!await steps.MoveNextAsync()) yield break;
                }
                catch (Exception exception) when (exception is EnumerationAbortedException or OrleansException && !cancellation.IsCancellationRequested)
                {
                    break; // its silo has gone; the document goes on elsewhere
                }
                if (steps.Current.Step <= last) continue;
                last = steps.Current.Step;
                yield return steps.Current;
            }
        }
    }

    public Task<bool> Delete(string id, CancellationToken cancellation = default) => Document(id).Delete().WaitAsync(cancellation);

    public async Task<IReadOnlyList<SearchHit>?> Search(SearchQuery query, CancellationToken cancellation = default)
    {
        if (query.Id is null) return await search.Search(SearchVector.Of(Encoded(query.Text ?? ""), default), query.K).WaitAsync(cancellation);
        if (await Find(query.Id, cancellation) is not { } document) return null;
        var embedding = document.Embedding ?? encoder.Embed(document.Article);
        return await search.Search(SearchVector.Of(embedding.X, document.State?.Y), query.K, except: query.Id).WaitAsync(cancellation);
    }

    public ReadoutSummary Summarize(Document document) => readout.Of(document);

    public async Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default) =>
        await Coordinator.ListWeights().WaitAsync(cancellation);

    public Task<Checkpoint?> FindWeights(long? version, CancellationToken cancellation = default) => Coordinator.FindWeights(version).WaitAsync(cancellation);

    public Task<long> ImportWeights(Checkpoint weights, CancellationToken cancellation = default) => Coordinator.ImportWeights(weights).WaitAsync(cancellation);

    public async Task<long?> RestoreWeights(long version, CancellationToken cancellation = default) =>
        await FindWeights(version, cancellation) is { } kept ? await ImportWeights(kept, cancellation) : null;

    public Task<WeightSummary> SaveWeights(CancellationToken cancellation = default) => Coordinator.SaveWeights().WaitAsync(cancellation);

    public Task<TelemetrySnapshot> ReadTelemetry(CancellationToken cancellation = default) => Coordinator.ReadTelemetry().WaitAsync(cancellation);

    public Task<DocumentMapView> ReadMap(long since = 0, CancellationToken cancellation = default) =>
        grains.GetGrain<IDocumentMapGrain>(0).Read(since).WaitAsync(cancellation);

    public Task<DocumentRanking> Rank(DocumentOrder order, CancellationToken cancellation = default) =>
        grains.GetGrain<IDocumentMapGrain>(0).Rank(order).WaitAsync(cancellation);

    public Task<double?> MeasureContraction(string id, CancellationToken cancellation = default) =>
        Document(id).MeasureContraction().WaitAsync(cancellation);

    public async Task<MapComparison> CompareWithUntrained(IReadOnlyList<string> ids, CancellationToken cancellation = default)
    {
        // A chunk at a time, so that learning waits for none of them long.
        var replica = grains.GetGrain<IReplicaGrain>(0);
        List<MapVector> before = [], after = [];
        foreach (var chunk in ids.Take(2000).Chunk(Portion))
        {
            before.AddRange(await replica.Outcomes(chunk, untrained: true).WaitAsync(cancellation));
            after.AddRange(await replica.Outcomes(chunk, untrained: false).WaitAsync(cancellation));
        }
        return new MapComparison(MapVector.Place(before), MapVector.Place(after));
    }

    /// <summary>Has the cluster end what is under way and write a checkpoint, before all of it is stopped.</summary>
    public Task Rest() => Coordinator.Rest();

    /// <summary>Nothing to do: the cluster goes on.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IDocumentGrain Document(string id) => grains.GetGrain<IDocumentGrain>(id);

    private float[] Encoded(string text)
    {
        var vector = new float[encoder.Dimensions];
        encoder.Encode([text], vector);
        return vector;
    }
}
