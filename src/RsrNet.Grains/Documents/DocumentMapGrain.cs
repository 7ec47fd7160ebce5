using Orleans.Concurrency;
using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Documents;

/// <summary>The documents that changed last, for people to look at: where they lie on a plane, and what a list is sorted by. There is one, with the key 0.</summary>
[Alias("rsrnet.document-map-grain")]
public interface IDocumentMapGrain : IGrainWithIntegerKey
{
    /// <param name="document">Without text, trajectory and embedding.</param>
    [Alias("put"), OneWay]
    Task Put(Document document);

    [Alias("remove")]
    Task Remove(string id);

    /// <inheritdoc cref="ILearner.ReadMap"/>
    [Alias("read")]
    Task<DocumentMapView> Read(long since);

    /// <inheritdoc cref="ILearner.Rank"/>
    [Alias("rank")]
    Task<DocumentRanking> Rank(DocumentOrder order);
}

/// <summary>Begins with what the store has. It may miss a change or two when it is busy: it is a picture, and the documents' grains are the truth.</summary>
[Reentrant, KeepAlive, PreferCpuSilos]
internal sealed class DocumentMapGrain(IDocumentStore store, ITextEncoder encoder) : Grain, IDocumentMapGrain, IDisposable
{
    private readonly DocumentMap map = new(encoder.Dimensions);
    private readonly CancellationTokenSource stop = new();
    private Task filling = Task.CompletedTask;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        filling = Task.Run(() => Fill(stop.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await stop.CancelAsync();
        await Task.WhenAny(filling);
    }

    public void Dispose() => stop.Dispose();

    public Task Put(Document document)
    {
        map.Put(document);
        return Task.CompletedTask;
    }

    public Task Remove(string id)
    {
        map.Remove(id);
        return Task.CompletedTask;
    }

    // A view projects every document: no short turn.
    public Task<DocumentMapView> Read(long since) => Task.Run(() => map.Read(since));

    public Task<DocumentRanking> Rank(DocumentOrder order) => Task.Run(() => map.Rank(order));

    private async Task Fill(CancellationToken cancellation)
    {
        try
        {
            var latest = new Queue<string>();
            await foreach (var document in store.ReadIndex(cancellation))
            {
                latest.Enqueue(document.Id);
                if (latest.Count > DocumentMap.DefaultCapacity) latest.Dequeue();
            }
            foreach (var id in latest)
            {
                if (!map.Has(id) && await store.Find(id, cancellation) is { } document) map.Put(document);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or StoreUnavailableException)
        {
            // The silo closes, or the store is away: what is missing comes with its next change.
        }
    }
}
