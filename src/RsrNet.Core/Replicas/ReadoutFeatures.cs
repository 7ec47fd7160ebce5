using RsrNet.Core.Documents;

namespace RsrNet.Core.Replicas;

/// <summary>By what it is foretold how many of a sentence's pairs of words its article's highlights have.</summary>
public static class ReadoutFeatures
{
    public const int Count = 12;

    public static IReadOnlyList<string> Names { get; } =
        ["bias", "y", "article", "centrality", "front 3", "front 10", "log length", "length", "digits", "names", "quotes", "words"];

    /// <summary>Without any labelled article: what lies in front and near y.</summary>
    internal static readonly double[] Prior = [0, 0.2, 0.1, 0, 0.15, 0.08, 0, 0, 0, 0, 0, 0];

    /// <summary>How many sentences the prior counts for.</summary>
    internal const double PriorWeight = 30;

    /// <param name="features">[12]; overwritten.</param>
    /// <param name="words">Mean probability of the sentence's words to stand in the highlights, by <see cref="WordFeatures"/>.</param>
    internal static void Write(Span<double> features, in SentenceOutline outline, double cosineY, double cosineX, double centrality, double words)
    {
        features[0] = 1;
        features[1] = cosineY;
        features[2] = cosineX;
        features[3] = centrality;
        features[4] = SentenceFeatures.Front(outline, 3);
        features[5] = SentenceFeatures.Front(outline, 10);
        features[6] = Math.Log(outline.Words);
        features[7] = outline.Words / 30.0;
        features[8] = outline.Digits;
        features[9] = outline.Capitals;
        features[10] = outline.Quotes ? 1 : 0;
        features[11] = 2 * words;
    }
}
