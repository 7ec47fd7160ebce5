using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>
/// The ROUGE that is expected of a summary in the making, by the words and pairs of words that are expected in the highlights: what one sentence has said the next
/// does not bring again, and what says little for its length makes it worse.
/// </summary>
/// <param name="phrases">What ROUGE-2 counts for beside ROUGE-1; at least 0.</param>
internal sealed class ExpectedRouge(ReadoutView view, double phrases)
{
    private readonly int[] taken = new int[view.Article.Words.Count];
    private readonly bool[] said = new bool[view.Article.Words.Pairs];
    private double hits;
    private double common;
    private int words;

    /// <summary>ROUGE-1 F1 of the sentences so far, in [0, 1]: 2 hits / (words + words of the highlights).</summary>
    public double Words => 2 * hits / (words + view.Reference);

    /// <summary>ROUGE-2 F1 of the sentences so far, in [0, 1], likewise.</summary>
    public double Pairs => PairsOf(common, words);

    /// <summary>ROUGE-1 and <c>phrases</c> times ROUGE-2.</summary>
    public double Total => Words + phrases * Pairs;

    /// <summary>What <see cref="Total"/> would grow by with one more sentence; below 0 where that says little for its length.</summary>
    public double GainOf(int sentence)
    {
        var own = view.Article.Words.Of(sentence);
        var hit = hits + Take(own);
        foreach (var word in own) taken[word]--;
        var pairs = common;
        foreach (var pair in view.Article.Words.PairsOf(sentence))
        {
            if (!said[pair]) pairs += view.ExpectedPairs[pair];
        }
        return 2 * hit / (words + own.Length + view.Reference) + phrases * PairsOf(pairs, words + own.Length) - Total;
    }

    /// <summary><see cref="GainOf"/> by what brings it; with what the sentence takes by its length the sum is the same.</summary>
    /// <param name="weights">[8] of <see cref="PairFeatures"/>.</param>
    /// <param name="parts">[8] what each feature of its pairs brings, the new words in place of the bias; overwritten.</param>
    public void PartsOf(int sentence, ReadOnlySpan<float> weights, Span<double> parts)
    {
        const int k = PairFeatures.Count;
        var own = view.Article.Words.Of(sentence);
        Span<double> features = stackalloc double[k];
        parts.Clear();
        foreach (var pair in view.Article.Words.PairsOf(sentence))
        {
            if (said[pair]) continue;
            view.WritePairFeatures(pair, features);
            for (var feature = 1; feature < k; feature++) parts[feature] += weights[feature] * features[feature];
        }
        var unit = phrases * PairsOf(1, words + own.Length);
        for (var feature = 1; feature < k; feature++) parts[feature] *= unit;
        parts[0] = 2 * Take(own) / (words + own.Length + view.Reference);
        foreach (var word in own) taken[word]--;
    }

    public void Add(int sentence)
    {
        var own = view.Article.Words.Of(sentence);
        hits += Take(own);
        words += own.Length;
        foreach (var pair in view.Article.Words.PairsOf(sentence))
        {
            if (said[pair]) continue;
            common += view.ExpectedPairs[pair];
            said[pair] = true;
        }
    }

    // A text of so many words has one pair less.
    private double PairsOf(double count, int length) => 2 * count / Math.Max(Math.Max(length - 1, 0) + view.Reference - 1, 1);

    private double Take(ReadOnlySpan<int> own)
    {
        double sum = 0;
        foreach (var word in own)
        {
            var times = taken[word]++;
            if (times < WordFeatures.Times) sum += view.Expected[word * WordFeatures.Times + times];
        }
        return sum;
    }
}
