using RsrNet.Core.Documents;

namespace RsrNet.Core.Coordination;

/// <summary>Documents to learn from: those that wait for a batch, the one that has found no company yet, and the latest ones that were learned.</summary>
internal sealed class LabelledDocuments
{
    private readonly ActiveDocuments documents;
    private readonly RefinementLoop refinement;
    private readonly TrainingQueue<ActiveDocument> queue;

    public LabelledDocuments(ActiveDocuments documents, RefinementLoop refinement, CoordinationOptions options, TimeProvider time)
    {
        this.documents = documents;
        this.refinement = refinement;
        queue = new TrainingQueue<ActiveDocument>(options, time);
        documents.OnGone = Replay.Remove;
    }

    public Replay<Document> Replay { get; } = new(document => document.Id);

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
        Replay.Add(taken.Document);
        refinement.Add(taken);
    }
}
