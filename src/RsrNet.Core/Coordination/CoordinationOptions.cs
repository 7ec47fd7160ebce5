namespace RsrNet.Core.Coordination;

/// <summary>How documents are batched and how weights are stepped. Defaults of the optimiser are the notebook's.</summary>
public sealed record CoordinationOptions
{
    /// <summary>Labelled documents in a full training batch. Default 32; at least 2.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Rows of a training batch at least, as far as there are learned documents to join a smaller one. Default 16; at least 2. BatchNorm's statistics over two or
    /// three rows say so little that refinement with them runs away.
    /// </summary>
    public int MinimumBatch { get; init; } = 16;

    /// <summary>How long the first document of a batch waits for others. Milliseconds; default 50; 0 takes what is there.</summary>
    public int BatchWaitMs { get; init; } = 50;

    /// <summary>Adam's step size. Default 0.001; above 0.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Adam's decay of the mean of gradients. Default 0.9; at least 0 and below 1.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam's decay of the mean of squared gradients. Default 0.999; at least 0 and below 1.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to Adam's denominator. Default 1e-8; above 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Global 2-norm to which a gradient is clipped. Default 1.0; above 0.</summary>
    public double ClipNorm { get; init; } = 1.0;
}
