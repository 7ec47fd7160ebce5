using RsrNet.Core.Documents;

namespace RsrNet.Core.Coordination;

/// <summary>
/// The latest labelled documents, at hand to join a batch of one: BatchNorm has no variance over a single row. A document that joins gives its
/// gradient once more; its own state is left as it was.
/// </summary>
internal sealed class Replay
{
    /// <summary>A few suffice, so that deleting one does not leave the next batch of one alone.</summary>
    public const int Limit = 32;

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

    /// <summary>The latest document other than this one; null where there is none.</summary>
    public Document? PartnerOf(string id) => latest.FirstOrDefault(document => document.Id != id);
}
