namespace RsrNet.Core.Replicas;

/// <summary>Sizes of the network.</summary>
/// <param name="D">d, width of an embedding; as wide as the encoder's vectors.</param>
/// <param name="H">h, width of the two hidden layers.</param>
/// <param name="L">L, width of the latent.</param>
public readonly record struct RecursionShape(int D, int H, int L)
{
    /// <summary>The notebook's sizes.</summary>
    public static readonly RecursionShape Notebook = new(768, 128, 64);

    /// <summary>The kind of network; the notebook's unless set.</summary>
    public LearningMode Mode { get; init; }

    /// <summary>Width of fc1's input: [x, y, z], or [sentence features, cosine to y, z] in the residual mode.</summary>
    public int Input => Mode == LearningMode.Notebook ? 2 * D + L : SentenceFeatures.Count + 1 + L;
}
