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
    long Version, string? EncoderId, string Mode, RecursionWeights Weights, AdamState? Optimizer, DateTimeOffset CreatedAt, float? Loss);

/// <param name="Bytes">Size on disk; 0 for the current version while it is only in memory.</param>
/// <param name="Current">Whether this is the version in use.</param>
public sealed record WeightSummary(long Version, DateTimeOffset CreatedAt, float? Loss, string? EncoderId, string Mode, long Bytes, bool Current);
