namespace RsrNet.Core.Coordination;

/// <summary>Which replica learns from which documents. The same documents and replicas always give the same plan.</summary>
public static class BatchPlan
{
    /// <summary>Deals documents out to replicas.</summary>
    /// <param name="documents">At least one, in order of arrival, and at most as many as <see cref="MostDocuments"/> says.</param>
    /// <param name="replicas">Those that are free; at least one.</param>
    /// <returns>
    /// For each replica that gets any: its batches. A replica's statistics are those of its own rows, so a batch is shared by no more replicas than
    /// <see cref="CoordinationOptions.MinimumBatch"/> allows, and none has a single document but where there is only one in all.
    /// </returns>
    public static IReadOnlyList<(int Replica, IReadOnlyList<IReadOnlyList<T>> Batches)> Of<T>(
        IReadOnlyList<T> documents, IReadOnlyList<int> replicas, CoordinationOptions options) => options.Mode switch
        {
            CoordinationMode.Synchronous => Shared(documents, replicas, options.MinimumBatch),
            CoordinationMode.Asynchronous => [(replicas[0], [documents])],
            CoordinationMode.LocalSteps => Dealt(documents, replicas, options.BatchSize),
            _ => throw new ArgumentException($"Coordination.Mode {options.Mode} is unknown", nameof(options)),
        };

    /// <summary>How many documents so many free replicas can be given at once.</summary>
    public static int MostDocuments(int replicas, CoordinationOptions options) => options.Mode == CoordinationMode.LocalSteps
        ? options.BatchSize * options.AveragingPeriod * replicas
        : options.BatchSize;

    /// <summary>Updates that may come of so many pieces of work under way, and of one more.</summary>
    /// <param name="replays">How often each batch is followed by one that was learned before.</param>
    internal static int UpdatesAhead(int underway, RsrNetOptions options, int replays) =>
        (options.Coordination.Mode switch
        {
            CoordinationMode.Asynchronous => underway + 1,
            CoordinationMode.LocalSteps => options.Coordination.AveragingPeriod,
            _ => 1,
        }) * Updates(options, replays);

    /// <summary>Supervision steps of a batch and of what is learned again after it.</summary>
    internal static int Updates(RsrNetOptions options, int replays) => options.Recursion.SupervisionSteps * (1 + replays);

    /// <summary>One batch in parts that differ by one document at most.</summary>
    private static List<(int, IReadOnlyList<IReadOnlyList<T>>)> Shared<T>(IReadOnlyList<T> documents, IReadOnlyList<int> replicas, int minimum)
    {
        var shares = Math.Clamp(documents.Count / minimum, 1, replicas.Count);
        var plan = new List<(int, IReadOnlyList<IReadOnlyList<T>>)>(shares);
        for (var share = 0; share < shares; share++)
        {
            var from = documents.Count * share / shares;
            var to = documents.Count * (share + 1) / shares;
            plan.Add((replicas[share], [[.. documents.Skip(from).Take(to - from)]]));
        }
        return plan;
    }

    /// <summary>Whole batches in turn; a last one of a single document joins the one before.</summary>
    private static List<(int, IReadOnlyList<IReadOnlyList<T>>)> Dealt<T>(IReadOnlyList<T> documents, IReadOnlyList<int> replicas, int batchSize)
    {
        var batches = documents.Chunk(batchSize).Select(batch => batch.ToList()).ToList();
        if (batches.Count > 1 && batches[^1].Count == 1)
        {
            batches[^2].AddRange(batches[^1]);
            batches.RemoveAt(batches.Count - 1);
        }
        return [.. batches.Select((batch, i) => (Batch: batch, Replica: replicas[i % replicas.Count]))
            .GroupBy(dealt => dealt.Replica, dealt => (IReadOnlyList<T>)dealt.Batch)
            .Select(dealt => (dealt.Key, (IReadOnlyList<IReadOnlyList<T>>)[.. dealt]))];
    }
}
