namespace RsrNet.Core.Weights;

/// <summary>
/// Holds the bound on what a killed process can lose. Writing begins at half the bound and goes on beside learning; at the bound learning waits.
/// </summary>
internal sealed class CheckpointSchedule(WeightOptions options, TimeProvider time)
{
    private const long AllSaved = long.MinValue;

    private readonly Queue<(long Version, long At)> unsaved = new();
    private long oldestUnsaved = AllSaved;

    /// <summary>The newest version that is durable.</summary>
    public long DurableVersion { get; private set; }

    /// <summary>Whether it is time to begin writing.</summary>
    public bool IsDue => unsaved.Count > 0 && (2 * unsaved.Count >= options.CheckpointUpdates || 2 * Age.TotalSeconds >= options.CheckpointSeconds);

    /// <summary>Whether one more update could break the bound.</summary>
    public bool IsAtBound => unsaved.Count > 0 && (unsaved.Count >= options.CheckpointUpdates || Age.TotalSeconds >= options.CheckpointSeconds);

    /// <summary>Whether so many more updates keep the bound, as far as it counts updates.</summary>
    public bool HasRoomFor(int updates) => unsaved.Count == 0 || unsaved.Count + updates <= options.CheckpointUpdates;

    /// <summary>How long until writing must begin if no update follows; null when all is durable.</summary>
    public TimeSpan? DueIn => unsaved.Count == 0 ? null : IsDue ? TimeSpan.Zero : TimeSpan.FromSeconds(options.CheckpointSeconds / 2) - Age;

    /// <summary>How long the oldest update that is in no checkpoint has been waiting; may be asked from any thread.</summary>
    public TimeSpan UnsavedAge => Volatile.Read(ref oldestUnsaved) is var at and not AllSaved ? time.GetElapsedTime(at) : TimeSpan.Zero;

    private TimeSpan Age => time.GetElapsedTime(unsaved.Peek().At);

    public void OnUpdate(long version)
    {
        unsaved.Enqueue((version, time.GetTimestamp()));
        Volatile.Write(ref oldestUnsaved, unsaved.Peek().At);
    }

    public void OnSaved(long version)
    {
        DurableVersion = version;
        while (unsaved.TryPeek(out var oldest) && oldest.Version <= version) unsaved.Dequeue();
        Volatile.Write(ref oldestUnsaved, unsaved.TryPeek(out var next) ? next.At : AllSaved);
    }
}
