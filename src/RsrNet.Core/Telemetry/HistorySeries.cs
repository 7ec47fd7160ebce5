namespace RsrNet.Core.Telemetry;

/// <summary>What the history keeps of each moment. New ones go to the end: a file from before then lacks them, and that is all.</summary>
public enum HistorySeries
{
    /// <summary>Articles accepted a second.</summary>
    Articles,
    /// <summary>Document supervision steps a second.</summary>
    Steps,
    /// <summary>Gradients applied a second.</summary>
    Updates,
    /// <summary>Training loss.</summary>
    Loss,
    /// <summary>Prequential cosine.</summary>
    Similarity,
    /// <summary>Prequential mean squared error.</summary>
    Error,
    /// <summary>Residual y, mean.</summary>
    ResidualY,
    /// <summary>Residual z, mean.</summary>
    ResidualZ,
    /// <summary>Residual y, 90th percentile.</summary>
    ResidualP90,
    /// <summary>Share of finished documents that converged.</summary>
    Converged,
    /// <summary>Unfinished documents.</summary>
    Backlog,
    /// <summary>Documents in the store.</summary>
    Documents,
    WeightVersion,
    /// <summary>Norm of the gradient before clipping.</summary>
    GradientNorm,
    /// <summary>Seconds of a training step, mean over the replicas.</summary>
    TrainSeconds,
    /// <summary>Versions behind, mean over the replicas.</summary>
    Staleness,
    /// <summary>Gradients refused since the start.</summary>
    Refused,
    /// <summary>Seconds to embed one article.</summary>
    EmbeddingSeconds,
    /// <summary>Bytes of the store.</summary>
    StoreBytes,
    /// <summary>Norm of all parameters together.</summary>
    ParameterNorm,
    /// <summary>Cosine of the article's own embedding to t: the baseline of <see cref="Similarity"/>.</summary>
    CopySimilarity,
    /// <summary>ROUGE of the summaries as served, before learning.</summary>
    Rouge,
    /// <summary>The same of the first three sentences.</summary>
    LeadRouge,
    /// <summary>Expected calibration error of the confidence.</summary>
    CalibrationError,
}
