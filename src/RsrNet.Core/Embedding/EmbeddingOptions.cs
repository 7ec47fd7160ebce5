using RsrNet.Core.Replicas;

namespace RsrNet.Core.Embedding;

/// <summary>What turns texts into vectors, and how.</summary>
public sealed record EmbeddingOptions
{
    /// <summary>
    /// Where a text is cut off, in tokens with the two around it. Default 512, the notebook's; 2 to 1024, and at most what the model takes.
    /// BART only.
    /// </summary>
    public int TokenLimit { get; init; } = BartTokenizer.DefaultLimit;

    /// <summary>
    /// Whether an embedding is the mean over a batch's padded length, as in the notebook, instead of over the text. Default false. A text's
    /// vector then depends on the texts it came with: for comparing with the notebook, not for serving. BART only.
    /// </summary>
    public bool PaddedMean { get; init; }

    /// <summary>
    /// How the encoder's weights are held. Default Single; Int8 takes a quarter of the memory and about half the time, at a cosine above 0.99
    /// to Single, and needs a processor with AVX-VNNI; BFloat16 is for the engines cuda and torch-cpu. Either changes the vectors, so documents
    /// have to be embedded anew. BART only.
    /// </summary>
    public WeightPrecision WeightPrecision { get; init; } = WeightPrecision.Single;

    /// <summary>
    /// What computes, by its name among the engines: cpu, and in the full edition torch-cpu and cuda; auto takes the fastest that this machine
    /// can run. Default auto. The vectors are the same but for rounding. BART only.
    /// </summary>
    public string Engine { get; init; } = EngineCatalog.Auto;

    /// <summary>Threads of one embedding. Default 0, all cores. BART on the engine cpu only.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Texts whose vectors are remembered, so that they are not computed again; 3 KB each at 768 numbers. Default 8192; at least 0. BART
    /// only.
    /// </summary>
    public int CacheTexts { get; init; } = 8192;
}
