using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>What the learned readout knows of an article: which of its words and pairs of words it expects in the highlights.</summary>
public sealed class ReadoutView
{
    private readonly double[] cosines; // [n] of the sentences to y

    private ReadoutView(SummaryView view, ResidualStatistics statistics)
    {
        Article = view.Reading.Article;
        cosines = view.Cosines;
        Reference = statistics.Reference;
        Expected = ExpectedTimes(statistics.Words);
        ExpectedPairs = ExpectedPairsOf(statistics.Pairs);
    }

    public ArticleSentences Article { get; }

    /// <summary>[V, 3] expected probability that a word stands in the highlights at least once, twice, three times; in [0, 1].</summary>
    public double[] Expected { get; }

    /// <summary>[B] expected probability that a pair of words stands in the highlights; in [0, 1].</summary>
    public double[] ExpectedPairs { get; }

    /// <summary>Words that highlights have on average.</summary>
    public double Reference { get; }

    /// <param name="view">The article with a y.</param>
    /// <param name="statistics">Those of the weights that made the view.</param>
    public static ReadoutView Of(SummaryView view, ResidualStatistics statistics) => new(view, statistics);

    /// <param name="features">[8] <see cref="PairFeatures"/> of a pair of words; overwritten.</param>
    internal void WritePairFeatures(int pair, Span<double> features) => Article.Words.WritePairFeatures(pair, features, Expected, cosines);

    private double[] ExpectedTimes(ReadOnlySpan<float> weights)
    {
        const int k = WordFeatures.Count;
        Span<double> each = stackalloc double[WordFeatures.Times * k], features = stackalloc double[k];
        for (var i = 0; i < each.Length; i++) each[i] = weights[i];
        var words = Article.Words;
        var expected = new double[words.Count * WordFeatures.Times];
        for (var v = 0; v < words.Count; v++)
        {
            words.WriteFeatures(v, features);
            var before = 1.0; // whoever stands there twice stands there once
            for (var times = 0; times < WordFeatures.Times; times++)
            {
                before = Math.Clamp(DoubleMath.Dot(features, each.Slice(times * k, k)), 0, before);
                expected[v * WordFeatures.Times + times] = before;
            }
        }
        return expected;
    }

    private double[] ExpectedPairsOf(ReadOnlySpan<float> weights)
    {
        Span<double> each = stackalloc double[PairFeatures.Count], features = stackalloc double[PairFeatures.Count];
        for (var i = 0; i < each.Length; i++) each[i] = weights[i];
        var expected = new double[Article.Words.Pairs];
        for (var b = 0; b < expected.Length; b++)
        {
            WritePairFeatures(b, features);
            expected[b] = Math.Clamp(DoubleMath.Dot(features, each), 0, 1);
        }
        return expected;
    }
}
