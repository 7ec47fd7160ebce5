using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>The one set of weights of a learner, whoever steps it: the coordinator alone, or behind the exchange where replicas share it.</summary>
/// <param name="exchange">Null where the coordinator has one user.</param>
internal sealed class LearnerWeights(Coordinator coordinator, GradientExchange? exchange, string encoderId, string mode, TimeProvider time)
{
    private ServedRegressions? served = exchange is null ? ServedRegressions.Of(coordinator) : exchange.Regressions;

    /// <summary>What the regressions beside the network say, as a value for any thread; null in the notebook's mode.</summary>
    public ServedRegressions? Regressions => Volatile.Read(ref served);

    /// <summary>Makes what was learned since the last time visible to other threads.</summary>
    public void Publish() => Volatile.Write(ref served, exchange is null ? ServedRegressions.Of(coordinator) : exchange.Regressions);

    public long Version => coordinator.Version;

    public float? Loss => coordinator.Loss;

    /// <inheritdoc cref="Coordinator.Residual"/>
    public ResidualOptions? Residual => coordinator.Residual;

    /// <summary>The weights to refine with, and their version.</summary>
    public (RecursionWeights Weights, long Version) Current
    {
        get
        {
            if (exchange is null) return (coordinator.Served, coordinator.Version);
            var current = exchange.Current;
            return (current.Served, current.Version);
        }
    }

    /// <summary>The network as it was before it learned anything.</summary>
    /// <param name="seed">Of the initial weights.</param>
    public RecursionWeights Untrained(int seed) => RecursionInitialization.Create(coordinator.Weights.Shape, seed);

    /// <summary>A copy of everything, to be written while learning goes on.</summary>
    public Checkpoint Snapshot() => exchange is null
        ? coordinator.Snapshot(encoderId, mode, time.GetUtcNow())
        : exchange.Snapshot(encoderId, mode, time.GetUtcNow());

    /// <inheritdoc cref="Coordinator.Restore"/>
    public void Restore(Checkpoint checkpoint)
    {
        Check(checkpoint);
        if (exchange is null) coordinator.Restore(checkpoint);
        else exchange.Restore(checkpoint);
        Publish();
    }

    /// <inheritdoc cref="Coordinator.Adopt"/>
    public long Adopt(Checkpoint checkpoint)
    {
        Check(checkpoint);
        var version = exchange is null ? coordinator.Adopt(checkpoint) : exchange.Adopt(checkpoint);
        Publish();
        return version;
    }

    /// <inheritdoc cref="Coordinator.Forget"/>
    public void Forget(int articles)
    {
        if (exchange is null) coordinator.Forget(articles);
        else exchange.Forget(articles);
    }

    private void Check(Checkpoint checkpoint)
    {
        if (checkpoint.EncoderId is { } id && id != encoderId)
            throw new WeightsRejectedException($"the weights were trained on vectors of the encoder '{id}'; this server uses '{encoderId}'");
    }
}
