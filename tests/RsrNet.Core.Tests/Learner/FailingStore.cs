using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Tests.Learner;

/// <summary>A store whose disk can be full for a while, or one of whose documents cannot be read.</summary>
internal sealed class FailingStore(IDocumentStore inner) : IDocumentStore
{
    public volatile bool DiskIsFull;

    /// <summary>Id of the document; null where all can be read.</summary>
    public string? Unreadable { get; set; }

    private int refusals;

    /// <summary>Writes that found the disk full.</summary>
    public int Refusals => Volatile.Read(ref refusals);

    public Task<string?> ReadSetting(string name, CancellationToken cancellation = default) => inner.ReadSetting(name, cancellation);

    public Task WriteSetting(string name, string value, CancellationToken cancellation = default) => Writing(() => inner.WriteSetting(name, value, cancellation));

    public Task<IReadOnlyList<PutOutcome>> Put(IReadOnlyList<Article> articles, CancellationToken cancellation = default) =>
        Writing(() => inner.Put(articles, cancellation));

    public Task<Document?> Find(string id, CancellationToken cancellation = default) =>
        id == Unreadable ? throw new StoreUnavailableException("the connection broke") : inner.Find(id, cancellation);

    public Task<IReadOnlyList<long>> Save(IReadOnlyList<Document> documents, CancellationToken cancellation = default) =>
        Writing(() => inner.Save(documents, cancellation));

    public Task<bool> Delete(string id, CancellationToken cancellation = default) => Writing(() => inner.Delete(id, cancellation));

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default) => inner.List(query, cancellation);

    public Task<IReadOnlyList<Document>> ReadUnfinished(long afterSequence, int limit, CancellationToken cancellation = default) =>
        inner.ReadUnfinished(afterSequence, limit, cancellation);

    public Task<IReadOnlyList<Document>> ReadStale(long version, int limit, CancellationToken cancellation = default) =>
        inner.ReadStale(version, limit, cancellation);

    public Task<IReadOnlyList<Document>> ReadLearned(int limit, CancellationToken cancellation = default) => inner.ReadLearned(limit, cancellation);

    public Task<int> Unlearn(long version, CancellationToken cancellation = default) => Writing(() => inner.Unlearn(version, cancellation));

    public IAsyncEnumerable<IndexedDocument> ReadIndex(CancellationToken cancellation = default) => inner.ReadIndex(cancellation);

    public Task<DocumentCounts> Count(CancellationToken cancellation = default) => inner.Count(cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async Task<T> Writing<T>(Func<Task<T>> write)
    {
        await Task.Yield();
        if (DiskIsFull)
        {
            Interlocked.Increment(ref refusals);
            throw new StoreUnavailableException("the disk is full; free some space");
        }
        return await write();
    }

    private Task<bool> Writing(Func<Task> write) => Writing(async () =>
    {
        await write();
        return true;
    });
}
