using System.Collections.Concurrent;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Cluster.Tests;

/// <summary>Watches what is written of each document: one that was learned from must not be learned from again, unless the store was told to unlearn it.</summary>
internal sealed class RecordingStore(IDocumentStore inner) : IDocumentStore
{
    private readonly ConcurrentDictionary<long, long> learned = new();
    private int again;

    /// <summary>Documents that were learned from twice, with the two versions.</summary>
    public ConcurrentBag<string> Twice { get; } = [];

    /// <summary>Documents that a fall back made be learned again.</summary>
    public int Again => Volatile.Read(ref again);

    /// <summary>Versions that were fallen back to.</summary>
    public ConcurrentBag<long> Unlearned { get; } = [];

    public Task<string?> ReadSetting(string name, CancellationToken cancellation = default) => inner.ReadSetting(name, cancellation);

    public Task WriteSetting(string name, string value, CancellationToken cancellation = default) => inner.WriteSetting(name, value, cancellation);

    public Task<IReadOnlyList<PutOutcome>> Put(IReadOnlyList<Article> articles, CancellationToken cancellation = default) => inner.Put(articles, cancellation);

    public Task<Document?> Find(string id, CancellationToken cancellation = default) => inner.Find(id, cancellation);

    public Task<IReadOnlyList<long>> Save(IReadOnlyList<Document> documents, CancellationToken cancellation = default)
    {
        foreach (var document in documents)
        {
            if (document.LearnedAt is not { } version) continue;
            var first = learned.GetOrAdd(document.Sequence, version);
            if (first != version) Twice.Add($"{document.Id}: {first} and {version}");
        }
        return inner.Save(documents, cancellation);
    }

    public Task<bool> Delete(string id, CancellationToken cancellation = default) => inner.Delete(id, cancellation);

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default) => inner.List(query, cancellation);

    public Task<IReadOnlyList<Document>> ReadUnfinished(long afterSequence, int limit, CancellationToken cancellation = default) =>
        inner.ReadUnfinished(afterSequence, limit, cancellation);

    public Task<IReadOnlyList<Document>> ReadStale(long version, int limit, CancellationToken cancellation = default) =>
        inner.ReadStale(version, limit, cancellation);

    public Task<IReadOnlyList<Document>> ReadLearned(int limit, CancellationToken cancellation = default) => inner.ReadLearned(limit, cancellation);

    public Task<int> Unlearn(long version, CancellationToken cancellation = default)
    {
        Unlearned.Add(version);
        foreach (var (sequence, at) in learned)
        {
            if (at > version) learned.TryRemove(sequence, out _);
        }
        return Counted(inner.Unlearn(version, cancellation));
    }

    private async Task<int> Counted(Task<int> unlearning)
    {
        var documents = await unlearning;
        Interlocked.Add(ref again, documents);
        return documents;
    }

    public IAsyncEnumerable<IndexedDocument> ReadIndex(CancellationToken cancellation = default) => inner.ReadIndex(cancellation);

    public Task<DocumentCounts> Count(CancellationToken cancellation = default) => inner.Count(cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
