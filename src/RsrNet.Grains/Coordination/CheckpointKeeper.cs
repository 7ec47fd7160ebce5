using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// Holds the bound on what a lost coordinator can lose. A checkpoint is written only after the documents that it was learned from are durable as learned:
/// a crash between the two has them learned anew from the weights before, so each counts exactly once.
/// </summary>
/// <param name="checkpoints">Null keeps weights in memory alone.</param>
/// <param name="holdsTerm">Asked before each write.</param>
internal sealed class CheckpointKeeper(
    GradientExchange exchange, ICheckpointStore? checkpoints, string encoderId, RsrNetOptions options, Func<Task<bool>> holdsTerm,
    LearnerTelemetry telemetry, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private readonly CheckpointSchedule schedule = Schedule(options, exchange, time);
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly List<(TrainingSeat Seat, Task Durable)> marks = [];
    private long scheduledVersion = exchange.Version;
    private long? failedAt;

    public long DurableVersion => schedule.DurableVersion;

    /// <summary>How long the oldest update that is not durable has been waiting.</summary>
    public TimeSpan UnsavedAge => schedule.UnsavedAge;

    /// <summary>When weights changed last; null before the first time.</summary>
    public long? LastUpdateAt { get; private set; }

    /// <summary>How long until writing must begin if no update follows; null when all is durable.</summary>
    public TimeSpan? DueIn => checkpoints is null || writing.CurrentCount == 0 ? null : schedule.DueIn;

    /// <summary>Documents of this seat are marked as learned from when something of it has been applied.</summary>
    /// <param name="durable">Completes when they are; at once where nothing was applied.</param>
    public void Watch(TrainingSeat seat, Task durable) => marks.Add((seat, durable));

    /// <summary>Counts the updates since it was called last.</summary>
    public void Count()
    {
        marks.RemoveAll(mark => mark.Durable.IsCompletedSuccessfully);
        scheduledVersion = Math.Min(scheduledVersion, exchange.Version);
        if (scheduledVersion < exchange.Version)
        {
            LastUpdateAt = time.GetTimestamp();
            telemetry.OnWeights(exchange.Current.Weights);
        }
        telemetry.OnUpdated(exchange.Version - scheduledVersion);
        while (scheduledVersion < exchange.Version) schedule.OnUpdate(++scheduledVersion);
    }

    /// <summary>Whether so many more updates keep the bound.</summary>
    public bool HasRoomFor(int updates) => checkpoints is null || (!schedule.IsAtBound && schedule.HasRoomFor(updates));

    /// <summary>Begins to write, beside the learning, if it is time.</summary>
    /// <param name="updatesAhead">Room that the next updates need.</param>
    public void WriteIfDue(int updatesAhead, Action whenWritten)
    {
        if (checkpoints is null || writing.CurrentCount == 0 || (!schedule.IsDue && schedule.HasRoomFor(updatesAhead))) return;
        if (failedAt is { } failed && time.GetElapsedTime(failed) < RetryAfter) return;
        Write();

        async void Write()
        {
            try
            {
                await Save();
            }
#pragma warning disable CA1031 // it is told, and tried again
            catch (Exception exception)
            {
                failedAt = time.GetTimestamp();
                telemetry.OnProblem("checkpoint", $"weights could not be saved; learning waits: {exception.Message}");
            }
#pragma warning restore CA1031
            whenWritten();
        }
    }

    /// <summary>Writes the current weights.</summary>
    /// <param name="pinned">Whether they are kept however many newer ones there are.</param>
    /// <exception cref="StoreUnavailableException">The coordinator's term is over.</exception>
    public async Task<WeightSummary> Save(bool pinned = false)
    {
        if (checkpoints is null) throw new InvalidOperationException("this learner keeps its weights in memory alone");
        await writing.WaitAsync();
        try
        {
            var begunAt = time.GetTimestamp();
            var snapshot = exchange.Snapshot(encoderId, Coordinator.NameOf(options.Learning), time.GetUtcNow()) with { Pinned = pinned };
            Count();
            await Task.WhenAll(marks.Where(mark => mark.Seat.FirstApplied.IsCompleted).Select(mark => mark.Durable));
            if (!await holdsTerm()) throw new StoreUnavailableException("another activation of the coordinator has taken over; its weights count");
            var saved = await checkpoints.Save(snapshot);
            schedule.OnSaved(saved.Version);
            telemetry.OnCheckpointed(time.GetElapsedTime(begunAt));
            telemetry.OnRecovered("checkpoint");
            failedAt = null;
            return saved with { Current = saved.Version == exchange.Version };
        }
        finally
        {
            writing.Release();
        }
    }

    public async Task SaveIfNewer()
    {
        if (checkpoints is not null && exchange.Version > schedule.DurableVersion) await Save();
    }

    public void Dispose() => writing.Dispose();

    private static CheckpointSchedule Schedule(RsrNetOptions options, GradientExchange exchange, TimeProvider time)
    {
        var schedule = new CheckpointSchedule(options.Weights, time);
        schedule.OnSaved(exchange.Version);
        return schedule;
    }
}
