using RsrNet.Core.Documents;

namespace RsrNet.Core.Evaluation;

/// <summary>One article that was judged by a model which has not learned from it.</summary>
internal sealed record JudgedArticle
{
    /// <summary>[d]</summary>
    public required float[] T { get; init; }

    /// <summary>[d] what the model foretold.</summary>
    public required float[] Y { get; init; }

    /// <summary>[d] what the search index would hold.</summary>
    public required float[] SearchVector { get; init; }

    /// <summary>By baseline, [d].</summary>
    public required IReadOnlyDictionary<string, float[]> Baselines { get; init; }

    /// <summary>q.</summary>
    public required double Confidence { get; init; }

    /// <summary>Of Y to T.</summary>
    public required double Cosine { get; init; }

    /// <summary>What q says the cosine is above: the median of the stream that the model has learned from.</summary>
    public required double Usual { get; init; }

    /// <summary>By name: ours, lead3, centroid, random, oracle.</summary>
    public required IReadOnlyDictionary<string, Rouge> Rouge { get; init; }

    /// <summary>Which readout made our summary.</summary>
    public required string Readout { get; init; }

    /// <summary>From the first step on.</summary>
    public required IReadOnlyList<StepResidual> Steps { get; init; }
}
