using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Coordination;

/// <summary>Documents to learn from: those that wait for a batch, the one that has found no company yet, and the latest ones that were learned.</summary>
internal sealed class LabelledDocuments
{
    private readonly ActiveDocuments documents;
    private readonly RefinementLoop refinement;
    private readonly TrainingQueue<ActiveDocument> queue;

    /// <param name="reservoir">The residual mode's sample of the past; null in the notebook's mode.</param>
    public LabelledDocuments(
        ActiveDocuments documents, RefinementLoop refinement, CoordinationOptions options, Reservoir<ReservedDocument>? reservoir, TimeProvider time)
    {
        this.documents = documents;
        this.refinement = refinement;
        queue = new TrainingQueue<ActiveDocument>(options, time);
        Reservoir = reservoir;
        documents.OnGone = Forget;
    }

    /// <summary>The latest ones that were learned, in the notebook's mode.</summary>
    public Replay<Document> Replay { get; } = new(document => document.Id);

    /// <summary>A sample of all that were learned, in the residual mode; null in the notebook's.</summary>
    public Reservoir<ReservedDocument>? Reservoir { get; }

    /// <summary>The first labelled document of all has nobody to be trained with: it is refined meanwhile, and joins the next batch.</summary>
    public ActiveDocument? Alone { get; set; }

    public int Waiting => queue.Count;

    /// <inheritdoc cref="TrainingQueue{T}.IsDue"/>
    public bool IsDue => queue.IsDue;

    /// <inheritdoc cref="TrainingQueue{T}.DueIn"/>
    public TimeSpan? DueIn => queue.DueIn;

    public void Await(ActiveDocument taken)
    {
        taken.AwaitsTraining = true;
        queue.Add(taken);
    }

    /// <summary>The next training batch without those that have gone; may be empty.</summary>
    public List<ActiveDocument> Take(int most)
    {
        var batch = new List<ActiveDocument>(most);
        while (batch.Count < most && queue.TryTake(out var next))
        {
            next.AwaitsTraining = false;
            if (!next.Gone) batch.Add(next);
        }
        return batch;
    }

    /// <summary>The document has been through its training, or has none ahead now: it is saved, and refined to its end.</summary>
    public void OnTrained(ActiveDocument taken)
    {
        documents.Unsaved.Add(taken);
        if (taken.Document.Status == DocumentStatus.Failed) return;
        if (Reservoir is null) Replay.Add(taken.Document);
        refinement.Add(taken);
    }

    /// <summary>The document was learned from in the residual mode, and is kept where it may be learned again.</summary>
    /// <param name="document">With sentences.</param>
    /// <param name="learning">How the mode learns now.</param>
    public void Keep(Document document, ResidualOptions learning)
    {
        if (learning.Replays > 0) Reservoir!.Add(ReservedDocument.Of(document));
    }

    /// <summary>After a start: what was learned before it.</summary>
    /// <param name="learning">How the residual mode learns now; null in the notebook's.</param>
    public async Task Recall(IDocumentStore store, ResidualOptions? learning, CancellationToken cancellation)
    {
        if (learning is { Replays: 0 }) return;
        foreach (var document in (await store.ReadLearned(Reservoir?.Capacity ?? Replay<Document>.Limit, cancellation)).Reverse())
        {
            if (Reservoir is null) Replay.Add(document);
            else Reservoir.Add(ReservedDocument.Of(document));
        }
    }

    private void Forget(string id)
    {
        Replay.Remove(id);
        Reservoir?.Remove(reserved => reserved.Document.Id == id);
    }
}
