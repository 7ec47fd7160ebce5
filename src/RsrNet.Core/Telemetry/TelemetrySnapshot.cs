using RsrNet.Core.Documents;

namespace RsrNet.Core.Telemetry;

/// <summary>The numbers people watch, at one moment.</summary>
public sealed record TelemetrySnapshot
{
    public required DateTimeOffset At { get; init; }

    /// <summary>Seconds since the learner started.</summary>
    public required double Uptime { get; init; }

    /// <summary>Articles accepted since the start (duplicates not counted).</summary>
    public required long Accepted { get; init; }

    public required long Duplicates { get; init; }

    /// <summary>Accepted articles a second, over the last ten seconds.</summary>
    public required double ArticlesPerSecond { get; init; }

    public required DocumentCounts Documents { get; init; }

    /// <summary>Labelled documents learned from since the start.</summary>
    public required long Learned { get; init; }

    /// <summary>Document supervision steps since the start, training and refinement.</summary>
    public required long Steps { get; init; }

    /// <summary>Gradients that were not finite and left the weights as they were, since the start.</summary>
    public required long RefusedGradients { get; init; }

    /// <summary>Gradients that came too late for the staleness bound and were computed anew, since the start.</summary>
    public long StaleGradients { get; init; }

    public required long WeightVersion { get; init; }

    /// <summary>The version of the newest durable checkpoint.</summary>
    public required long CheckpointVersion { get; init; }

    /// <summary>Training loss, mean over the last 200 labelled documents; null before the first.</summary>
    public double? Loss { get; init; }

    /// <summary>Cosine of the prediction made before learning to t, mean over the last 200 labelled documents; null before the first.</summary>
    public double? PrequentialSimilarity { get; init; }

    /// <summary>Mean squared error of that prediction to t, over the same documents; null before the first.</summary>
    public double? PrequentialError { get; init; }

    /// <summary>Residual y, mean over the last 200 document steps; null before the first.</summary>
    public double? ResidualY { get; init; }

    /// <summary>Share of finished documents that converged, in [0, 1]; null before the first.</summary>
    public double? ConvergedShare { get; init; }

    public required string Encoder { get; init; }

    public required string Mode { get; init; }

    /// <summary>The last failure of the store or of a checkpoint that still holds; null when all is well.</summary>
    public string? Problem { get; init; }
}
