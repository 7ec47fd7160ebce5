using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>The words of a summary in the making against those that are expected in the highlights: what one sentence has said the next does not bring again.</summary>
internal sealed class WordCoverage(ReadoutView view)
{
    private readonly int[] taken = new int[view.Article.Words.Count];
    private double hits;
    private int words;

    /// <summary>Expected ROUGE-1 F1 of the sentences so far, in [0, 1]: 2 hits / (words + words of the highlights).</summary>
    public double Expected => 2 * hits / (words + view.Reference);

    /// <summary>What <see cref="Expected"/> would grow by with one more sentence; below 0 where that says little for its length.</summary>
    public double GainOf(int sentence)
    {
        var own = view.Article.Words.Of(sentence);
        var more = Take(own);
        foreach (var word in own) taken[word]--;
        return 2 * (hits + more) / (words + own.Length + view.Reference) - Expected;
    }

    public void Add(int sentence)
    {
        var own = view.Article.Words.Of(sentence);
        hits += Take(own);
        words += own.Length;
    }

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
