using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Learner;

/// <summary>Checkpoints that outlive a learner, not the test; they are written and read as files are.</summary>
internal sealed class MemoryCheckpoints : ICheckpointStore
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, byte[]> kept = [];

    public Task<WeightSummary> Save(Checkpoint checkpoint, CancellationToken cancellation = default)
    {
        using var file = new MemoryStream();
        CheckpointFile.Write(file, checkpoint);
        lock (gate) kept[checkpoint.Version] = file.ToArray();
        return Task.FromResult(Summary(checkpoint));
    }

    public Task<Checkpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default)
    {
        lock (gate) return Task.FromResult(kept.Count > 0 ? Read(kept.Values.Last()) : null);
    }

    public Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default)
    {
        lock (gate) return Task.FromResult<IReadOnlyList<WeightSummary>>([.. kept.Values.Reverse().Select(file => Summary(Read(file)))]);
    }

    public Task<Checkpoint?> Find(long version, CancellationToken cancellation = default)
    {
        lock (gate) return Task.FromResult(kept.TryGetValue(version, out var file) ? Read(file) : null);
    }

    private static Checkpoint Read(byte[] file) => CheckpointFile.Read(new MemoryStream(file));

    private static WeightSummary Summary(Checkpoint checkpoint) =>
        new(checkpoint.Version, checkpoint.CreatedAt, checkpoint.Loss, checkpoint.EncoderId, checkpoint.Mode, 1, false) { Pinned = checkpoint.Pinned };
}
