namespace RsrNet.Core.Weights;

/// <summary>Keeps the last few checkpoints durably. Safe to call from many threads.</summary>
public interface ICheckpointStore
{
    /// <summary>Durable once completed; the oldest beyond the number to keep are dropped.</summary>
    /// <exception cref="IOException">It could not be written; those before are whole.</exception>
    Task<WeightSummary> Save(Checkpoint checkpoint, CancellationToken cancellation = default);

    /// <summary>The newest that is whole; null where there is none.</summary>
    /// <param name="warn">Told of each damaged one that was passed over.</param>
    Task<Checkpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default);

    /// <summary>Newest first.</summary>
    Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default);

    /// <summary>Null where that version is not kept.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    Task<Checkpoint?> Find(long version, CancellationToken cancellation = default);
}
