using RsrNet.Core.Documents;

namespace RsrNet.Core.Replicas;

/// <summary>What the reader network is told of a sentence, beside its cosine to y: [cos to x, cos to the lead, position (5), length (2), centrality].</summary>
internal static class SentenceFeatures
{
    public const int Count = 10;

    /// <summary>Words after which a sentence counts as no longer: lists and tables are not worth more.</summary>
    private const int LongestWords = 60;

    /// <summary>Words of an average sentence of news; length 1.</summary>
    private const double AverageWords = 25;

    /// <summary>Length in average sentences, in (0, 2.4].</summary>
    public static double Length(in SentenceOutline outline) => Math.Min(outline.Words, LongestWords) / AverageWords;

    /// <summary>exp(-position / scale): the front of an article says what matters.</summary>
    public static double Front(in SentenceOutline outline, double scale) => Math.Exp(-outline.Position / scale);

    /// <param name="features">[10]; overwritten.</param>
    /// <param name="centrality">Mean cosine to the other sentences.</param>
    /// <param name="n">Sentences of the article.</param>
    public static void Write(Span<double> features, in SentenceOutline outline, double cosineX, double cosineLead, double centrality, int index, int n)
    {
        var length = Length(outline);
        features[0] = cosineX;
        features[1] = cosineLead;
        features[2] = Front(outline, 1.5);
        features[3] = Front(outline, 3);
        features[4] = Front(outline, 10);
        features[5] = (double)index / n;
        features[6] = Math.Sqrt(length);
        features[7] = length;
        features[8] = 5 * centrality; // about 0.2 in news: scaled to the size of the others
        features[9] = Math.Log(n) / 4;
    }
}
