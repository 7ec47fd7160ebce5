using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Documents;

/// <summary>
/// Documents whose value is ahead of the store's. They are written together, beside the learner's work; one that changes again before its turn is
/// written once.
/// </summary>
/// <param name="onSaved">Called for each document that is now as the store has it.</param>
/// <param name="onPassedOver">Called for each document that the store has no more, or has in a newer revision.</param>
internal sealed class UnsavedDocuments(
    IDocumentStore store, LearnerTelemetry telemetry, TimeProvider time, Action<ActiveDocument> onSaved, Action<ActiveDocument> onPassedOver)
{
    /// <summary>Documents of one write. Most that were just learned from are refined to the end before so many wait, and are written once.</summary>
    private const int Full = 1024;

    /// <summary>How long a document may wait for others to be written with.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly List<ActiveDocument> unsaved = [];
    private List<ActiveDocument> inFlight = [];
    private Task<IReadOnlyList<long>>? writing;
    private long oldestAt;
    private long? failedAt;
    private long begun;
    private long succeeded;

    /// <summary>What <see cref="IsDurable"/> must be asked with later to learn whether everything that is unsaved now has become durable.</summary>
    public long Mark => unsaved.Count > 0 ? begun + 1 : writing is not null ? begun : 0;

    /// <summary>Whether so many wait, or the store fails, that learning must not go on.</summary>
    public bool MustWait => failedAt is not null || unsaved.Count >= 2 * Full;

    /// <summary>How long until a write is due; null when there is nothing to write.</summary>
    public TimeSpan? DueIn
    {
        get
        {
            if (writing is not null || unsaved.Count == 0) return null;
            if (failedAt is { } failed) return RetryAfter - time.GetElapsedTime(failed);
            return unsaved.Count >= Full ? TimeSpan.Zero : Patience - time.GetElapsedTime(oldestAt);
        }
    }

    public void Add(ActiveDocument document)
    {
        if (unsaved.Count == 0) oldestAt = time.GetTimestamp();
        if (document.Unsaved) return;
        document.Unsaved = true;
        unsaved.Add(document);
    }

    // A write that fails gives its documents to the one after it, so the last one that succeeded stands for all before it.
    public bool IsDurable(long mark) => succeeded >= mark;

    /// <summary>Begins a write if one is due and none is under way; <paramref name="whenWritten"/> wakes the learner.</summary>
    /// <param name="hurry">Somebody waits: do not wait for more documents.</param>
    public void WriteIfDue(bool hurry, Action whenWritten)
    {
        if (DueIn is { } wait && (wait <= TimeSpan.Zero || (hurry && failedAt is null))) Write(whenWritten);
    }

    /// <summary>Takes note of a write that has ended.</summary>
    public void Settle()
    {
        if (writing is not { IsCompleted: true } ended) return;
        var written = inFlight;
        writing = null;
        inFlight = [];
        if (!ended.IsCompletedSuccessfully)
        {
            var reason = ended.Exception?.InnerException?.Message ?? "the write was cancelled";
            telemetry.OnProblem("store", $"documents could not be saved and wait: {reason}");
            failedAt = time.GetTimestamp();
            foreach (var document in written) Add(document);
            return;
        }
        failedAt = null;
        succeeded = begun;
        telemetry.OnRecovered("store");
        var passedOver = ended.Result.ToHashSet();
        foreach (var document in written)
        {
            if (passedOver.Contains(document.Document.Sequence)) onPassedOver(document);
            else if (!document.Unsaved) onSaved(document);
        }
    }

    /// <summary>Writes everything and waits for it.</summary>
    /// <returns>Whether all of it is durable now.</returns>
    public async Task<bool> Flush()
    {
        while (writing is not null || unsaved.Count > 0)
        {
            if (writing is null) Write(static () => { });
            await Task.WhenAny(writing!);
            Settle();
            if (failedAt is not null) return false;
        }
        return true;
    }

    private void Write(Action whenWritten)
    {
        begun++;
        inFlight = [.. unsaved];
        unsaved.Clear();
        foreach (var document in inFlight) document.Unsaved = false;
        var values = inFlight.ConvertAll(document => document.Document.WithoutSentences());
        writing = Task.Run(() => store.Save(values));
        writing.ContinueWith(_ => whenWritten(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }
}
