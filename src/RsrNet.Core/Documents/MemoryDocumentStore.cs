using System.Runtime.CompilerServices;
using RsrNet.Core.Articles;

namespace RsrNet.Core.Documents;

/// <summary>A store that forgets everything with the process: for training runs, tests and programs that embed RSR-Net.</summary>
public sealed class MemoryDocumentStore(TimeProvider? time = null) : IDocumentStore
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Document> _bySequence = [];
    private readonly Dictionary<string, string> _settings = new(StringComparer.Ordinal);
    private readonly SortedSet<long> _all = [];
    private readonly SortedSet<long>[] _byStatus = [.. Enum.GetValues<DocumentStatus>().Select(_ => new SortedSet<long>())];
    private readonly SortedSet<(long WeightVersion, long Sequence)> _finished = [];
    private readonly SortedSet<(long LearnedAt, long Sequence)> _learned = [];
    private long _lastSequence;

    private readonly record struct Entry(Document Document, byte[] ContentHash);

    public Task<string?> ReadSetting(string name, CancellationToken cancellation = default) =>
        Locked(() => _settings.GetValueOrDefault(name), cancellation);

    public Task WriteSetting(string name, string value, CancellationToken cancellation = default) =>
        Locked(() => _settings[name] = value, cancellation);

    public Task<IReadOnlyList<PutOutcome>> Put(IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        var hashes = articles.Select(article => article.ContentHash()).ToArray();
        return Locked<IReadOnlyList<PutOutcome>>(
            () =>
            {
                var outcomes = new PutOutcome[articles.Count];
                for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Put(articles[i], hashes[i]);
                return outcomes;
            },
            cancellation);
    }

    public Task<Document?> Find(string id, CancellationToken cancellation = default) =>
        Locked(() => _byId.TryGetValue(id, out var entry) ? entry.Document : null, cancellation);

    public Task<IReadOnlyList<long>> Save(IReadOnlyList<Document> documents, CancellationToken cancellation = default) =>
        Locked<IReadOnlyList<long>>(
            () =>
            {
                var passedOver = new List<long>();
                foreach (var document in documents)
                {
                    // The sequence is never reused, so it tells a document that was deleted and came again from the one it was before.
                    if (!_byId.TryGetValue(document.Id, out var entry) || entry.Document.Sequence != document.Sequence)
                    {
                        passedOver.Add(document.Sequence);
                        continue;
                    }
                    // Only what Save promises to write: the article and its place stay as they were put.
                    var put = entry.Document;
                    Replace(entry, document with { Article = put.Article, Revision = put.Revision, IngestedAt = put.IngestedAt });
                }
                return passedOver;
            },
            cancellation);

    public Task<bool> Delete(string id, CancellationToken cancellation = default) =>
        Locked(
            () =>
            {
                if (!_byId.Remove(id, out var entry)) return false;
                Unindex(entry.Document);
                return true;
            },
            cancellation);

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default)
    {
        var start = DocumentCursor.Start(query);
        return Locked(
            () =>
            {
                var sequences = query.Status is { } status ? _byStatus[(int)status] : _all;
                var items = After(sequences, start).Take(query.Limit + 1).Select(sequence => _bySequence[sequence]).ToList();
                var next = items.Count > query.Limit ? DocumentCursor.After(items[query.Limit - 1].Sequence) : null;
                return new DocumentPage([.. items.Take(query.Limit).Select(DocumentListItem.Of)], next);
            },
            cancellation);
    }

    public Task<IReadOnlyList<Document>> ReadUnfinished(long afterSequence, int limit, CancellationToken cancellation = default) =>
        Locked(
            () => Whole(
                After(_byStatus[(int)DocumentStatus.Pending], afterSequence).Take(limit)
                    .Concat(After(_byStatus[(int)DocumentStatus.Refining], afterSequence).Take(limit))
                    .Order().Take(limit)),
            cancellation);

    public Task<IReadOnlyList<Document>> ReadStale(long version, int limit, CancellationToken cancellation = default) =>
        Locked(
            () => Whole(
                _finished.TakeWhile(finished => finished.WeightVersion < version).Take(limit).Select(finished => finished.Sequence)),
            cancellation);

    public Task<IReadOnlyList<Document>> ReadLearned(int limit, CancellationToken cancellation = default) =>
        Locked(() => Whole(_learned.Reverse().Take(limit).Select(learned => learned.Sequence)), cancellation);

    public Task<int> Unlearn(long version, CancellationToken cancellation = default) =>
        Locked(
            () =>
            {
                var unlearned = 0;
                foreach (var entry in _byId.Values.ToList())
                {
                    var document = entry.Document;
                    var changed = document;
                    if (document.State is { } state && state.WeightVersion > version)
                    {
                        changed = changed with { State = state with { WeightVersion = version } };
                    }
                    if (document.LearnedAt > version)
                    {
                        unlearned++;
                        changed = changed with
                        {
                            LearnedAt = null, Status = DocumentStatus.Pending, Failure = null, RunStart = document.State?.Step ?? 0,
                        };
                    }
                    if (changed != document) Replace(entry, changed);
                }
                return unlearned;
            },
            cancellation);

    public async IAsyncEnumerable<IndexedDocument> ReadIndex([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var documents = await Locked(() => Whole(_all), cancellation);
        foreach (var document in documents)
        {
            cancellation.ThrowIfCancellationRequested();
            if (document.Embedding is { } embedding)
            {
                yield return new IndexedDocument(document.Id, document.Article.Headline, embedding.X, document.State?.Y);
            }
        }
    }

    public Task<DocumentCounts> Count(CancellationToken cancellation = default) =>
        Locked(
            () => new DocumentCounts(
                _byStatus[(int)DocumentStatus.Pending].Count,
                _byStatus[(int)DocumentStatus.Refining].Count,
                _byStatus[(int)DocumentStatus.Converged].Count,
                _byStatus[(int)DocumentStatus.Exhausted].Count,
                _byStatus[(int)DocumentStatus.Failed].Count),
            cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static SortedSet<long> After(SortedSet<long> sequences, long sequence) =>
        sequence == long.MaxValue ? [] : sequences.GetViewBetween(sequence + 1, long.MaxValue);

    private Task<T> Locked<T>(Func<T> action, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        lock (_lock) return Task.FromResult(action());
    }

    private PutOutcome Put(Article article, byte[] hash)
    {
        var revision = 1;
        if (_byId.TryGetValue(article.Id, out var entry))
        {
            if (entry.ContentHash.AsSpan().SequenceEqual(hash)) return Outcome(entry.Document, duplicate: true);
            revision = entry.Document.Revision + 1;
            Unindex(entry.Document);
        }
        var document = new Document { Article = article, Sequence = ++_lastSequence, Revision = revision, IngestedAt = _time.GetUtcNow() };
        _byId[article.Id] = new Entry(document, hash);
        Index(document);
        return Outcome(document, duplicate: false);
    }

    private static PutOutcome Outcome(Document document, bool duplicate) =>
        new(document.Id, document.Revision, document.Sequence, document.IngestedAt, duplicate, document.Status);

    private void Replace(Entry entry, Document document)
    {
        Unindex(entry.Document);
        _byId[document.Id] = entry with { Document = document };
        Index(document);
    }

    private void Index(Document document)
    {
        _bySequence[document.Sequence] = document;
        _all.Add(document.Sequence);
        _byStatus[(int)document.Status].Add(document.Sequence);
        if (document is { Status: DocumentStatus.Converged or DocumentStatus.Exhausted or DocumentStatus.Failed, State: { } state })
        {
            _finished.Add((state.WeightVersion, document.Sequence));
        }
        if (document.LearnedAt is { } learned) _learned.Add((learned, document.Sequence));
    }

    private void Unindex(Document document)
    {
        _bySequence.Remove(document.Sequence);
        _all.Remove(document.Sequence);
        _byStatus[(int)document.Status].Remove(document.Sequence);
        if (document.State is { } state) _finished.Remove((state.WeightVersion, document.Sequence));
        if (document.LearnedAt is { } learned) _learned.Remove((learned, document.Sequence));
    }

    private IReadOnlyList<Document> Whole(IEnumerable<long> sequences) => [.. sequences.Select(sequence => _bySequence[sequence])];
}
