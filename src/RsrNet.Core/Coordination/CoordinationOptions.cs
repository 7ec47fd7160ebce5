namespace RsrNet.Core.Coordination;

/// <summary>How documents are batched and how weights are stepped. Defaults of the optimiser are the notebook's.</summary>
public sealed record CoordinationOptions
{
    /// <summary>Labelled documents in a full training batch. Default 32; at least 2.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// In the notebook's mode, rows of a training batch at least, as far as there are learned documents to join a smaller one, and of each replica's share of it.
    /// Default 16; at least 2. BatchNorm's statistics over two or three rows say so little that refinement with them runs away. The residual mode has no such bound.
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

    /// <summary>Replicas of the model that learn together, each with an engine and a thread of its own. Default 1; 1 to 1024.</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>
    /// How they do it. Default Synchronous, where a batch of <see cref="BatchSize"/> is shared by all; in the other modes each replica's batches
    /// have that size.
    /// </summary>
    public CoordinationMode Mode { get; init; } = CoordinationMode.Synchronous;

    /// <summary>
    /// Asynchronous: by how many versions the weights of a gradient may be behind the current ones; an older one is refused, counted and computed
    /// anew. Default 8; at least 0.
    /// </summary>
    public int StalenessBound { get; init; } = 8;

    /// <summary>LocalSteps: batches that each replica learns by itself between two averagings. Default 8; at least 1.</summary>
    public int AveragingPeriod { get; init; } = 8;

    /// <summary>How exactly gradients travel from replicas to the coordinator. Default Single; BFloat16 halves the bytes.</summary>
    public GradientPrecision GradientPrecision { get; init; } = GradientPrecision.Single;

    /// <summary>Labelled documents that occupy every replica: of a batch, or of all batches up to the next averaging.</summary>
    internal int RoundSize => Mode == CoordinationMode.LocalSteps && Replicas > 1 ? BatchSize * Replicas * AveragingPeriod : BatchSize;
}
