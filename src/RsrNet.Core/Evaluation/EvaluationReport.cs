using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Evaluation;

/// <summary>What an evaluation found; serialised as it stands, camelCase, it is the answer of <c>evaluate --json</c>. Shares, cosines and ROUGE are in [0, 1].</summary>
public sealed record EvaluationReport
{
    /// <summary>The learning mode that was judged, and the encoder.</summary>
    public required string Mode { get; init; }

    public required string Encoder { get; init; }

    /// <summary>Parts that were judged each by what was learned from the others; null where articles were kept apart to judge by.</summary>
    public int? Folds { get; init; }

    /// <summary>Articles in all: learned from and judged by.</summary>
    public int Documents => Folds is null ? Counts.Train + Counts.Test : Counts.Test;

    /// <summary>How often an article was learned from, over all passes.</summary>
    public int Learned => Folds is { } folds ? folds * Counts.Test : Counts.Train;

    public required EvaluationCounts Counts { get; init; }

    public required PrequentialReport Prequential { get; init; }

    /// <summary>Null where no article was kept apart to judge by.</summary>
    public required HeldOutReport? HeldOut { get; init; }

    public required EvaluationSeconds Seconds { get; init; }
}

/// <param name="Train">Learned from, once and in order; with folds, by each model.</param>
/// <param name="Test">Judged and not learned from.</param>
/// <param name="Skipped">Without highlights or sentences.</param>
public sealed record EvaluationCounts(int Train, int Test, int Skipped);

/// <param name="Encode">Embedding articles, highlights and sentences.</param>
/// <param name="Train">Foretelling and learning, without the baselines.</param>
/// <param name="Test">Refining and summarising the held-out articles, without the baselines.</param>
public sealed record EvaluationSeconds(double Encode, double Train, double Test)
{
    public static EvaluationSeconds operator +(EvaluationSeconds a, EvaluationSeconds b) => new(a.Encode + b.Encode, a.Train + b.Train, a.Test + b.Test);
}

/// <summary>Mean cosine to t, and mean squared error of an element.</summary>
public sealed record VectorScore(double Similarity, double Mse);

/// <summary>Test, then train: every article judged before it was learned.</summary>
/// <param name="Baselines">By name: copy, mean, ridge.</param>
/// <param name="Confidence">q of each article against what came, from when there was a usual cosine to compare with; null where there never was.</param>
/// <param name="RougeFirst200">Of the first 200 articles: ours as served, and Lead-3.</param>
public sealed record PrequentialReport(
    double Similarity, double Mse, IReadOnlyDictionary<string, VectorScore> Baselines, Calibration? Confidence,
    IReadOnlyDictionary<string, RougeMeans> Rouge, IReadOnlyDictionary<string, RougeMeans> RougeFirst200, IReadOnlyList<PrequentialPoint> Curve);

/// <summary>One article of the stream, in order.</summary>
/// <param name="Similarity">Cosine by name: ours and the baselines.</param>
/// <param name="RougeGain">Mean of the three ROUGE F1 of the served summary less that of the first three sentences.</param>
public sealed record PrequentialPoint(IReadOnlyDictionary<string, double> Similarity, double RougeGain);

public sealed record BaselineReport(double Similarity, double Mse, Retrieval Retrieval);

public sealed record RougeMeans(double R1, double R2, double Rlsum)
{
    /// <summary>Mean F1; all 0 of none.</summary>
    internal static RougeMeans Of(IReadOnlyCollection<Rouge> scores) => scores.Count == 0
        ? new RougeMeans(0, 0, 0)
        : new RougeMeans(scores.Average(one => one.R1.F1), scores.Average(one => one.R2.F1), scores.Average(one => one.RLsum.F1));
}

public sealed record RougeGain(Interval R1, Interval R2, Interval Rlsum);

/// <param name="Y">Mean of ||y_k - y_{k-1}|| / ||y_k||; the first step counts from y of length 0, which is 1.</param>
/// <param name="Similarity">Mean cosine to t after the step.</param>
public sealed record StepResidual(int Step, double Y, double Z, double Similarity);
