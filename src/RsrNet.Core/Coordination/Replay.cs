namespace RsrNet.Core.Coordination;

/// <summary>
/// The latest labelled documents, at hand to join a small batch: BatchNorm has no variance over a single row, and a poor one over a few. A document
/// that joins gives its gradient once more; its own state is left as it was.
/// </summary>
/// <param name="idOf">The id of what is kept: a document, or what stands for one.</param>
internal sealed class Replay<T>(Func<T, string> idOf)
{
    /// <summary>Documents kept.</summary>
    public const int Limit = 128;

    private readonly LinkedList<T> latest = new();

    public void Add(T document)
    {
        Remove(idOf(document));
        latest.AddFirst(document);
        if (latest.Count > Limit) latest.RemoveLast();
    }

    public void Remove(string id)
    {
        for (var node = latest.First; node is not null; node = node.Next)
        {
            if (idOf(node.Value) != id) continue;
            latest.Remove(node);
            return;
        }
    }

    /// <summary>Fills a batch up to so many documents with the latest ones that are not in it, as far as there are any.</summary>
    public void Join(List<T> batch, int rows) => batch.AddRange(GuestsOf(batch, rows));

    /// <summary>Who fills a batch up to so many documents.</summary>
    public IReadOnlyList<T> GuestsOf(IReadOnlyList<T> batch, int rows)
    {
        if (batch.Count >= rows) return [];
        var there = batch.Select(idOf).ToHashSet(StringComparer.Ordinal);
        return [.. latest.Where(document => !there.Contains(idOf(document))).Take(rows - batch.Count)];
    }
}
