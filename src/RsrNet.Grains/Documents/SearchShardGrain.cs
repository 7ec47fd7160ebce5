using Orleans.Concurrency;
using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Documents;

/// <summary>A part of the search index. Its key is the part's number.</summary>
[Alias("rsrnet.search-shard-grain")]
public interface ISearchShardGrain : IGrainWithIntegerKey
{
    [Alias("put")]
    Task Put(string id, string? title, [Immutable] float[] vector);

    [Alias("remove")]
    Task Remove(string id);

    [Alias("search"), ResponseTimeout("00:02:00")]
    Task<SearchHit[]> Search([Immutable] float[] vector, int k, string? except);
}

/// <summary>
/// Reads its part from the store when it is activated, and is kept up to date by the documents' grains. A search that comes while it reads waits for it.
/// </summary>
[Reentrant, KeepAlive, PreferCpuSilos]
internal sealed class SearchShardGrain(IDocumentStore store, ITextEncoder encoder, GrainOptions options) : Grain, ISearchShardGrain, IDisposable
{
    private readonly SearchIndex index = new(encoder.Dimensions);
    private readonly CancellationTokenSource stop = new();

    /// <summary>Documents that came or went while the store was being read: what is read of them is older.</summary>
    private HashSet<string>? changed = new(StringComparer.Ordinal);
    private Task reading = Task.CompletedTask;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        reading = Read();
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await stop.CancelAsync();
        await Task.WhenAny(reading);
    }

    public void Dispose()
    {
        stop.Dispose();
        index.Dispose();
    }

    public Task Put(string id, string? title, float[] vector)
    {
        changed?.Add(id);
        index.Put(id, title, vector);
        return Task.CompletedTask;
    }

    public Task Remove(string id)
    {
        changed?.Add(id);
        index.Remove(id);
        return Task.CompletedTask;
    }

    public async Task<SearchHit[]> Search(float[] vector, int k, string? except)
    {
        try
        {
            await reading;
        }
        catch (StoreUnavailableException)
        {
            DeactivateOnIdle(); // the next search finds a new activation, which reads again
            throw;
        }
        // A scan of a large part is no short turn; the index may be read from many threads.
        return await Task.Run(() => index.Search(vector, k, except).ToArray());
    }

    private async Task Read()
    {
        var shard = (int)this.GetPrimaryKeyLong();
        await foreach (var document in store.ReadIndex(stop.Token))
        {
            if (SearchShards.Of(document.Id, options.SearchShards) != shard || changed!.Contains(document.Id)) continue;
            index.Put(document.Id, document.Title, SearchVector.Of(document.X, document.Y));
        }
        changed = null;
    }
}
