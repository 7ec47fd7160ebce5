using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Weights;

/// <summary>
/// Sets documents and weights on their way to the disk, beside the learning, in an order that a crash cannot turn into a document learned twice.
/// </summary>
/// <param name="store">Null keeps weights in memory alone.</param>
/// <param name="wake">Called, from any thread, when a write has ended.</param>
internal sealed class CheckpointLoop(
    ICheckpointStore? store, CheckpointSchedule schedule, LearnerWeights weights, ITrainingLoop training, UnsavedDocuments unsaved,
    LearnerTelemetry telemetry, TimeProvider time, Action wake)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private Checkpoint? snapshot;
    private long snapshotMark;
    private long snapshotAt;
    private Task? writing;
    private long? failedAt;

    /// <summary>Whether one more update could break the bound on what a crash loses.</summary>
    public bool MustWait => store is not null && schedule.IsAtBound;

    /// <summary>How long until a checkpoint is due by itself; null where none is.</summary>
    public TimeSpan? DueIn => store is null ? null : schedule.DueIn;

    /// <summary>Whether so many more updates keep the bound.</summary>
    public bool HasRoomFor(int updates) => store is null || schedule.HasRoomFor(updates);

    /// <summary>Takes note of writes that have ended, and begins those that are due.</summary>
    public void Persist()
    {
        unsaved.Settle();
        unsaved.WriteIfDue(hurry: snapshot is not null, wake);
        if (store is null) return;
        if (writing is { IsCompleted: true }) Settle();
        var due = schedule.IsDue || (training.UpdatesAhead > 0 && !schedule.HasRoomFor(training.UpdatesAhead));
        if (snapshot is null && due && (failedAt is not { } failed || time.GetElapsedTime(failed) > RetryAfter))
        {
            snapshot = weights.Snapshot();
            snapshotAt = time.GetTimestamp();
            training.MarkLearned();
            snapshotMark = unsaved.Mark;
            unsaved.WriteIfDue(hurry: true, wake);
        }
        // Documents go first: one that is durable with a version above the checkpoint's is learned anew after a crash, so each counts exactly once.
        if (snapshot is { } ready && writing is null && unsaved.IsDurable(snapshotMark))
        {
            writing = Task.Run(() => store.Save(ready));
            writing.ContinueWith(_ => wake(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>Writes a checkpoint now.</summary>
    /// <exception cref="InvalidOperationException">The weights are kept in memory alone.</exception>
    /// <exception cref="StoreUnavailableException">The documents before it could not be saved.</exception>
    /// <param name="pinned">Whether it is to be kept however many newer ones come.</param>
    public async Task<WeightSummary> Save(bool pinned = false)
    {
        if (store is null) throw new InvalidOperationException("this learner keeps its weights in memory alone");
        if (writing is not null)
        {
            await Task.WhenAny(writing);
            Settle();
        }
        snapshot = null;
        var current = weights.Snapshot() with { Pinned = pinned };
        training.MarkLearned();
        if (!await unsaved.Flush()) throw new StoreUnavailableException("documents could not be saved, so the weights were not either");
        var saved = await store.Save(current);
        schedule.OnSaved(saved.Version);
        return saved with { Current = true };
    }

    /// <summary>Makes everything durable at the end.</summary>
    public async Task End()
    {
        if (writing is not null) await Task.WhenAny(writing);
        var flushed = await unsaved.Flush();
        if (store is not null && flushed && weights.Version > schedule.DurableVersion) await store.Save(weights.Snapshot());
    }

    private void Settle()
    {
        var (ended, written) = (writing!, snapshot!);
        (writing, snapshot) = (null, null);
        if (ended.IsCompletedSuccessfully)
        {
            schedule.OnSaved(written.Version);
            telemetry.OnCheckpointed(time.GetElapsedTime(snapshotAt));
            telemetry.OnRecovered("checkpoint");
            failedAt = null;
        }
        else
        {
            telemetry.OnProblem("checkpoint", $"weights could not be saved; learning waits: {ended.Exception?.InnerException?.Message}");
            failedAt = time.GetTimestamp();
        }
    }
}
