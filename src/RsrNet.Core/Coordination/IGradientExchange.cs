using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>Where replicas get weights and bring what they computed: in the same process, or across a cluster.</summary>
public interface IGradientExchange
{
    /// <summary>The current weights.</summary>
    /// <param name="atLeast">A version known to be published: what is kept nearer by may be handed out if it is not older.</param>
    Task<PublishedWeights> ReadWeights(long atLeast);

    /// <summary>
    /// Brings a contribution. Completes once it is applied, which for replicas that share a batch is when the last of them has brought
    /// theirs, or with <see cref="Reception.Held"/> after a while: then bring it again. Repeating is safe: it is applied once.
    /// </summary>
    Task<ContributionAnswer> Contribute(Contribution contribution);
}

/// <summary>One version of the weights, never changed afterwards.</summary>
/// <param name="Term">The coordinator's term; a version number may stand for other weights in another.</param>
/// <param name="Weights">Those that are trained.</param>
/// <param name="Optimizer">Adam's moments, where replicas step weights of their own.</param>
public sealed record PublishedWeights(long Term, long Version, RecursionWeights Weights, AdamState? Optimizer)
{
    /// <summary>Those that foretell and refine documents: in the residual mode the average, otherwise <see cref="Weights"/> themselves.</summary>
    public RecursionWeights Served { get; init; } = Weights;

    /// <summary>Adam's step size, for replicas that step weights of their own.</summary>
    public double LearningRate { get; init; }

    /// <inheritdoc cref="Coordinator.Residual"/>
    public ResidualOptions? Residual { get; init; }
}

/// <param name="Version">The weights after it, where it was applied; the current ones otherwise.</param>
/// <param name="Stop">Mean confidence of the update was above the limit: the batch's remaining supervision steps are left out.</param>
public readonly record struct ContributionAnswer(Reception Reception, long Version, bool Stop = false);

/// <summary>What became of a contribution.</summary>
public enum Reception
{
    /// <summary>The weights were updated with it.</summary>
    Applied,
    /// <summary>It had been applied before; nothing changed.</summary>
    Repeated,
    /// <summary>It waits for other replicas' shares of the same update. Bring it again.</summary>
    Held,
    /// <summary>Its weights are too old. Compute it anew with newer ones.</summary>
    Stale,
    /// <summary>Something in it is no number; nothing changed, and the batch is given up.</summary>
    NotFinite,
    /// <summary>Some of the joined shares are here already, or not wanted any more: bring each by itself.</summary>
    Split,
    /// <summary>Nobody waits for it any more: the work was given to another, or the coordinator has begun a new term. The batch is given up.</summary>
    Late,
}
