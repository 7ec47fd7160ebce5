namespace RsrNet.Core.Weights;

/// <summary>How often weights become durable. A killed process loses at most this many updates and at most those of this many seconds.</summary>
public sealed record WeightOptions
{
    /// <summary>A checkpoint is due after so many updates. Default 60; at least 1.</summary>
    public int CheckpointUpdates { get; init; } = 60;

    /// <summary>A checkpoint is due when the oldest update not yet in one is so old. Seconds; default 10; above 0.</summary>
    public double CheckpointSeconds { get; init; } = 10;

    /// <summary>Checkpoints kept; older ones are deleted. Default 5; at least 2, so that a damaged newest one has one before it.</summary>
    public int Keep { get; init; } = 5;
}
