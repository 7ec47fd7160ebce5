using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;

namespace RsrNet.Core.Replicas;

/// <summary>By what it is foretold whether a word of an article stands in its highlights.</summary>
public static class WordFeatures
{
    public const int Count = 16;

    /// <summary>Times in the highlights that are told apart: once, twice, three times or more.</summary>
    internal const int Times = 3;

    /// <summary>Words of highlights without any labelled article: about what CNN/DailyMail's have.</summary>
    internal const double PriorReference = 50;

    /// <summary>How many articles that counts for.</summary>
    internal const double ReferenceWeight = 10;

    internal static readonly double[] Prior = new double[Count];

    /// <summary>How many words the prior counts for.</summary>
    internal const double PriorWeight = 10;

    /// <summary>Place of the word's <see cref="WordFrequency.Weight"/>.</summary>
    internal const int Rare = 2;

    // Of 0 to as many sentences as are read of an article.
    private static readonly double[] Logs = [.. Enumerable.Range(0, ArticleSentences.Limit + 1).Select(sentences => Math.Log(Math.Max(sentences, 1)))];

    public static IReadOnlyList<string> Names { get; } =
    [
        "bias", "log share", "rare", "log sentences", "rare, log sentences", "front 3", "front 10", "rare, front 3", "first sentence", "rare, first sentence",
        "name", "name, log sentences", "number", "repeated", "share of sentences", "rare, share of sentences",
    ];

    /// <summary>Logarithm of a number of sentences, 0 of none.</summary>
    internal static double LogOf(int sentences) => Logs[sentences];

    /// <param name="features">[16]; overwritten.</param>
    /// <param name="frequency">In English news.</param>
    /// <param name="first">The first sentence it stands in.</param>
    /// <param name="sentences">Sentences it stands in.</param>
    /// <param name="name">Share of its places where it begins with a capital and no sentence.</param>
    /// <param name="number">Whether it begins with a digit.</param>
    /// <param name="spread">Share of the article's sentences that it stands in: in a long article a word says less.</param>
    internal static void Write(
        Span<double> features, WordFrequency frequency, in WordPlace first, int sentences, double name, bool number, double spread)
    {
        var rare = frequency.Weight;
        var log = Logs[sentences];
        var front = first.Front3;
        var begins = first.IsFirst ? 1 : 0;
        features[0] = 1;
        features[1] = frequency.LogShare / 5;
        features[Rare] = rare;
        features[3] = log;
        features[4] = log * rare;
        features[5] = front;
        features[6] = first.Front10;
        features[7] = front * rare;
        features[8] = begins;
        features[9] = begins * rare;
        features[10] = name;
        features[11] = name * log;
        features[12] = number ? 1 : 0;
        features[13] = sentences > 1 ? 1 : 0;
        features[14] = spread;
        features[15] = spread * rare;
    }
}

/// <summary>What of a sentence counts for the words that stand there first.</summary>
internal readonly record struct WordPlace(double Front3, double Front10, bool IsFirst)
{
    public static WordPlace Of(SentenceOutline sentence) => new(SentenceFeatures.Front(sentence, 3), SentenceFeatures.Front(sentence, 10), sentence.Position == 0);
}
