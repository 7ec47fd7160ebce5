using RsrNet.Core.Documents;

namespace RsrNet.Core.Replicas;

/// <summary>
/// The vectors whose weighted sum is the start of y: ten ways to sum up an article's sentences, and the article itself. The weights are those of a regression
/// against t, so they say what of an article its highlights are made of.
/// </summary>
public static class PoolFeatures
{
    /// <summary>K</summary>
    public const int Count = Weightings + 1;

    /// <summary>Sums over sentences; the last vector is x.</summary>
    internal const int Weightings = 10;

    public static IReadOnlyList<string> Names { get; } =
    [
        "sentences", "front 1.5", "front 3", "front 10", "near article", "near article, front 3",
        "count", "count, front 3", "length", "length, front 3", "article",
    ];

    /// <summary>Without any labelled article: the lead-weighted sentences.</summary>
    internal static readonly double[] Prior = [0.1, 0, 0.4, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>How many articles the prior counts for.</summary>
    internal const double PriorWeight = 1;

    /// <summary>Weight of a sentence in the lead vector: every sentence counts, those in front most.</summary>
    internal static double Lead(in SentenceOutline outline) => Math.Sqrt(SentenceFeatures.Length(outline)) * (0.25 + SentenceFeatures.Front(outline, 3));

    /// <param name="weights">[10] of one sentence; overwritten.</param>
    internal static void Write(Span<double> weights, in SentenceOutline outline, double cosineX)
    {
        var length = SentenceFeatures.Length(outline);
        var root = Math.Sqrt(length);
        var front = SentenceFeatures.Front(outline, 3);
        weights[0] = root;
        weights[1] = root * SentenceFeatures.Front(outline, 1.5);
        weights[2] = root * front;
        weights[3] = root * SentenceFeatures.Front(outline, 10);
        weights[4] = root * cosineX;
        weights[5] = root * cosineX * front;
        weights[6] = 1;
        weights[7] = front;
        weights[8] = length;
        weights[9] = length * front;
    }
}
