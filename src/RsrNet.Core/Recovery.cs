using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Weights;

namespace RsrNet.Core;

/// <summary>What a learner finds when it opens: which weights to go on from, and what store and weights must agree on.</summary>
/// <param name="checkpoints">Null where weights are kept in memory alone.</param>
/// <param name="warn">Told what is odd but can be worked with.</param>
internal sealed class Recovery(IDocumentStore store, ICheckpointStore? checkpoints, string encoderId, Action<string> warn)
{
    /// <summary>The newest checkpoint that is whole; null where there is none.</summary>
    /// <exception cref="WeightsRejectedException">The store's documents were embedded by another encoder.</exception>
    public async Task<Checkpoint?> LoadWeights(CancellationToken cancellation)
    {
        if (await Reembedding.UnfinishedGoal(store, cancellation) is { } goal)
        {
            throw new WeightsRejectedException(
                $"the documents in this store are being embedded anew by '{goal}', and that was cut off; run `rsrnet documents reembed` to its end");
        }
        if (await store.ReadSetting(Reembedding.EncoderSetting, cancellation) is { } known)
        {
            if (known != encoderId)
            {
                throw new WeightsRejectedException(
                    $"the documents in this store were embedded by '{known}', and vectors of '{encoderId}' cannot be mixed with them; "
                    + $"use the encoder '{known}', or another data folder, or change the documents over with `rsrnet documents reembed`");
            }
        }
        else await store.WriteSetting(Reembedding.EncoderSetting, encoderId, cancellation);
        return checkpoints is null ? null : await checkpoints.LoadNewest(warn, cancellation);
    }

    /// <summary>Documents that were learned after the weights were written are learned again, so that each counts once.</summary>
    /// <param name="version">The weights to go on from.</param>
    public async Task Unlearn(long version, CancellationToken cancellation)
    {
        var again = await store.Unlearn(version, cancellation);
        if (again > 0) warn($"{again:N0} documents were learned after the newest checkpoint (version {version}) and will be learned anew");
    }

    /// <summary>Puts every document into the search, and the latest onto the map; labels, which are in the articles themselves, follow.</summary>
    public async Task Fill(SearchIndex index, DocumentMap map, CancellationToken cancellation)
    {
        var latest = new Queue<(string Id, float[] Y)>();
        await foreach (var document in store.ReadIndex(cancellation))
        {
            index.Put(document.Id, document.Title, SearchVector.Of(document.X, document.Y));
            if (document.Y is { } y) latest.Enqueue((document.Id, y));
            if (latest.Count > DocumentMap.DefaultCapacity) latest.Dequeue();
        }
        var vectors = latest.ToDictionary(document => document.Id, document => document.Y);
        string? cursor = null;
        do
        {
            var page = await store.List(new DocumentQuery(Limit: 1000, Cursor: cursor), cancellation);
            foreach (var item in page.Items) map.Put(item, null, vectors.GetValueOrDefault(item.Id));
            cursor = page.Next;
        }
        while (cursor is not null);
    }
}
