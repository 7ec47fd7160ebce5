using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Coordination.Models;

/// <summary>Reads the articles of a store in order of arrival, from a position on: each revision once, deleted ones not at all.</summary>
/// <param name="position">Sequence of the last article already read.</param>
internal sealed class StoredStream(IDocumentStore store, long position)
{
    private readonly Queue<Document> ready = new();

    /// <summary>Sequence of the last article that <see cref="Read"/> came by.</summary>
    public long Position { get; private set; } = position;

    /// <summary>The next articles, at most so many; empty at the end of the stream.</summary>
    public async Task<IReadOnlyList<Document>> Read(int most, CancellationToken cancellation)
    {
        if (ready.Count == 0) await Fill(most, cancellation);
        var documents = new List<Document>();
        while (documents.Count < most && ready.TryDequeue(out var document)) documents.Add(document);
        if (documents.Count > 0) Position = Math.Max(Position, documents[^1].Sequence);
        return documents;
    }

    private async Task Fill(int most, CancellationToken cancellation)
    {
        var page = await store.List(new DocumentQuery(Limit: Math.Min(1000, most), Cursor: Position == 0 ? null : DocumentCursor.After(Position)), cancellation);
        var last = page.Next is { } cursor && DocumentCursor.TryParse(cursor, out var sequence) ? sequence : long.MaxValue;
        foreach (var item in page.Items)
        {
            // One that has changed since the page was read has a later place, and comes again there.
            if (await store.Find(item.Id, cancellation) is { } document && document.Sequence <= last && document.Sequence > Position) ready.Enqueue(document);
        }
        if (ready.Count == 0 && last < long.MaxValue) Position = last;
    }
}
