using RsrNet.Core;
using RsrNet.Core.Embedding;

namespace RsrNet.Grains.Documents;

/// <summary>The search index in its parts: a document belongs to one of them, by the hash of its id; a search asks all.</summary>
public sealed class SearchShards(IGrainFactory grains, GrainOptions options)
{
    /// <param name="vector">[d].</param>
    public Task Put(string id, string? title, float[] vector) => Shard(id).Put(id, title, vector);

    public Task Remove(string id) => Shard(id).Remove(id);

    /// <summary>The nearest documents of all parts, best first; equal ones in order of id.</summary>
    /// <param name="vector">[d].</param>
    /// <param name="except">An id that is left out.</param>
    public async Task<IReadOnlyList<SearchHit>> Search(float[] vector, int k, string? except = null)
    {
        var parts = await Task.WhenAll(Enumerable.Range(0, options.SearchShards).Select(shard => grains.GetGrain<ISearchShardGrain>(shard).Search(vector, k, except)));
        return [.. parts.SelectMany(hits => hits).OrderByDescending(hit => hit.Score).ThenBy(hit => hit.Id, StringComparer.Ordinal).Take(k)];
    }

    /// <summary>The part that a document belongs to; the same on every machine.</summary>
    internal static int Of(string id, int shards) => (int)(FeatureHash.Of(id) % (ulong)shards);

    private ISearchShardGrain Shard(string id) => grains.GetGrain<ISearchShardGrain>(Of(id, options.SearchShards));
}
