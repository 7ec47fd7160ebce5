namespace RsrNet.Core.Weights;

/// <summary>
/// Holds the bound on what a killed process can lose. Writing begins at half the bound and goes on beside learning; at the bound learning waits.
/// </summary>
internal sealed class CheckpointSchedule(WeightOptions options, TimeProvider time)
{
    private readonly Queue<(long Version, long At)> unsaved = new();

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

    private TimeSpan Age => time.GetElapsedTime(unsaved.Peek().At);

    public void OnUpdate(long version) => unsaved.Enqueue((version, time.GetTimestamp()));

    public void OnSaved(long version)
    {
        DurableVersion = version;
        while (unsaved.TryPeek(out var oldest) && oldest.Version <= version) unsaved.Dequeue();
    }
}
