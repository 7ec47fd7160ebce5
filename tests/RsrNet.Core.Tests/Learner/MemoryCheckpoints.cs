using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Learner;

/// <summary>Checkpoints that outlive a learner, not the test.</summary>
internal sealed class MemoryCheckpoints : ICheckpointStore
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, Checkpoint> kept = [];

    public Task<WeightSummary> Save(Checkpoint checkpoint, CancellationToken cancellation = default)
    {
        lock (gate) kept[checkpoint.Version] = checkpoint;
        return Task.FromResult(Summary(checkpoint));
    }

    public Task<Checkpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default)
    {
        lock (gate) return Task.FromResult(kept.Count > 0 ? kept.Values.Last() : null);
    }

    public Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default)
    {
        lock (gate) return Task.FromResult<IReadOnlyList<WeightSummary>>([.. kept.Values.Reverse().Select(Summary)]);
    }

    public Task<Checkpoint?> Find(long version, CancellationToken cancellation = default)
    {
        lock (gate) return Task.FromResult(kept.GetValueOrDefault(version));
    }

    private static WeightSummary Summary(Checkpoint checkpoint) =>
        new(checkpoint.Version, checkpoint.CreatedAt, checkpoint.Loss, checkpoint.EncoderId, checkpoint.Mode, 1, false);
}
