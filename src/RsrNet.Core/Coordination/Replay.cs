using RsrNet.Core.Documents;

namespace RsrNet.Core.Coordination;

/// <summary>
/// The latest labelled documents, at hand to join a small batch: BatchNorm has no variance over a single row, and a poor one over a few. A document
/// that joins gives its gradient once more; its own state is left as it was.
/// </summary>
internal sealed class Replay
{
    /// <summary>Documents kept.</summary>
    public const int Limit = 128;

    private readonly LinkedList<Document> latest = new();

    public void Add(Document document)
    {
        Remove(document.Id);
        latest.AddFirst(document);
        if (latest.Count > Limit) latest.RemoveLast();
    }

    public void Remove(string id)
    {
        for (var node = latest.First; node is not null; node = node.Next)
        {
            if (node.Value.Id != id) continue;
            latest.Remove(node);
            return;
        }
    }

    /// <summary>Fills a batch up to so many documents with the latest ones that are not in it, as far as there are any.</summary>
    public void Join(List<Document> batch, int rows)
    {
        if (batch.Count >= rows) return;
        var there = batch.Select(document => document.Id).ToHashSet(StringComparer.Ordinal);
        batch.AddRange(latest.Where(document => !there.Contains(document.Id)).Take(rows - batch.Count));
    }
}
