using RsrNet.Core.Documents;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Labelled documents that wait for a training batch, in order of arrival. A batch (or a round of them, with local steps) is due when it is full or
/// its first has waited long enough.
/// </summary>
internal sealed class TrainingQueue(CoordinationOptions options, TimeProvider time)
{
    private readonly Queue<(ActiveDocument Document, long Since)> waiting = new();

    public int Count => waiting.Count;

    public bool IsDue => waiting.Count >= options.RoundSize || (waiting.Count > 0 && Waited >= Wait);

    /// <summary>How long until a batch is due; null while nothing waits.</summary>
    public TimeSpan? DueIn => waiting.Count == 0 ? null : IsDue ? TimeSpan.Zero : Wait - Waited;

    private TimeSpan Wait => TimeSpan.FromMilliseconds(options.BatchWaitMs);

    private TimeSpan Waited => time.GetElapsedTime(waiting.Peek().Since);

    public void Add(ActiveDocument document)
    {
        document.AwaitsTraining = true;
        waiting.Enqueue((document, time.GetTimestamp()));
    }

    /// <summary>The next batch without those that have gone; may be empty.</summary>
    /// <param name="most">Documents in it at most.</param>
    public List<ActiveDocument> Take(int most)
    {
        var batch = new List<ActiveDocument>(most);
        while (batch.Count < most && waiting.TryDequeue(out var next))
        {
            next.Document.AwaitsTraining = false;
            if (!next.Document.Gone) batch.Add(next.Document);
        }
        return batch;
    }
}
