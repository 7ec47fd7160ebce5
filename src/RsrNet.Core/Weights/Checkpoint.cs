using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Weights;

/// <summary>A weight version with all that learning needs to go on from it.</summary>
/// <param name="Version">Updates so far; ascending, never reused for other weights while the learner lives.</param>
/// <param name="EncoderId">The encoder whose vectors the weights were trained on; null in a bare state_dict.</param>
/// <param name="Mode">The learning mode, such as <c>notebook</c>.</param>
/// <param name="Weights">The network.</param>
/// <param name="Optimizer">Adam's moments; null in a bare state_dict.</param>
/// <param name="CreatedAt">When the version was made.</param>
/// <param name="Loss">Training loss of the update that made it; null before the first.</param>
public sealed record Checkpoint(
    long Version, string? EncoderId, string Mode, RecursionWeights Weights, AdamState? Optimizer, DateTimeOffset CreatedAt, float? Loss)
{
    /// <summary>What the residual mode goes on from beside the network; null in the notebook's mode and in a bare state_dict.</summary>
    public ResidualState? Residual { get; init; }

    /// <summary>The weights that refine documents: the average of the trained ones where there is one.</summary>
    public RecursionWeights Served => Residual?.Served ?? Weights;

    /// <summary>Whether it is kept however many newer ones there are, so that one can come back to it: what served before a promotion.</summary>
    public bool Pinned { get; init; }
}

/// <summary>The part of a residual version that is no parameter: the average that is served, and the regressions beside the network.</summary>
/// <param name="Served">The average of the trained weights.</param>
/// <param name="Updates">Updates that went into it.</param>
/// <param name="Regressions">By <see cref="StreamRegressions.Tensors"/>' names.</param>
public sealed record ResidualState(RecursionWeights Served, long Updates, IReadOnlyDictionary<string, double[]> Regressions)
{
    /// <summary>How a promoted challenger learns, which counts instead of the configured options; null where nobody was promoted.</summary>
    public ResidualOptions? Promoted { get; init; }
}

/// <param name="Bytes">Size on disk; 0 for the current version while it is only in memory.</param>
/// <param name="Current">Whether this is the version in use.</param>
public sealed record WeightSummary(long Version, DateTimeOffset CreatedAt, float? Loss, string? EncoderId, string Mode, long Bytes, bool Current)
{
    /// <summary>Whether it is kept however many newer ones there are.</summary>
    public bool Pinned { get; init; }
}
