using RsrNet.Core.Documents;

namespace RsrNet.Core.Replicas;

/// <summary>By what it is foretold whether a pair of neighbouring words of an article's sentence stands in its highlights.</summary>
public static class PairFeatures
{
    public const int Count = 8;

    public static IReadOnlyList<string> Names { get; } =
        ["bias", "both words", "both words in front", "both words repeated", "rare words", "front", "repeated", "y"];

    /// <summary>Without any labelled article: what lies in front and near y.</summary>
    internal static readonly double[] Prior = [0, 0, 0, 0, 0, 0.15, 0, 0.05];

    /// <summary>How many pairs the prior counts for.</summary>
    internal const double PriorWeight = 10;

    /// <param name="features">[8]; overwritten.</param>
    /// <param name="both">Product of the words' probabilities to stand in the highlights, by <see cref="WordFeatures"/>.</param>
    /// <param name="rare">Product of the words' <see cref="Embedding.WordFrequency.Weight"/>.</param>
    /// <param name="first">The first sentence that has the pair.</param>
    /// <param name="repeated">Logarithm of the number of sentences that have it.</param>
    /// <param name="cosineY">Of the first sentence.</param>
    internal static void Write(Span<double> features, double both, double rare, in WordPlace first, double repeated, double cosineY)
    {
        features[0] = 1;
        features[1] = both;
        features[2] = both * first.Front3;
        features[3] = both * repeated;
        features[4] = rare;
        features[5] = first.Front3;
        features[6] = repeated;
        features[7] = cosineY;
    }
}
