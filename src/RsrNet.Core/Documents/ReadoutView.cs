using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>What the learned readout knows of an article: which of its words and pairs of words it expects in the highlights.</summary>
public sealed class ReadoutView
{
    private ReadoutView(ArticleSentences article, double[] expected, double[] pairFeatures, double[] expectedPairs, double reference)
    {
        Article = article;
        Expected = expected;
        PairFeatures = pairFeatures;
        ExpectedPairs = expectedPairs;
        Reference = reference;
    }

    public ArticleSentences Article { get; }

    /// <summary>[V, 3] expected probability that a word stands in the highlights at least once, twice, three times; in [0, 1].</summary>
    public double[] Expected { get; }

    /// <summary>[B, 8] <see cref="Replicas.PairFeatures"/>.</summary>
    public double[] PairFeatures { get; }

    /// <summary>[B] expected probability that a pair of words stands in the highlights; in [0, 1].</summary>
    public double[] ExpectedPairs { get; }

    /// <summary>Words that highlights have on average.</summary>
    public double Reference { get; }

    /// <param name="view">The article with a y.</param>
    /// <param name="statistics">Those of the weights that made the view.</param>
    public static ReadoutView Of(SummaryView view, ResidualStatistics statistics)
    {
        var article = view.Reading.Article;
        var expected = ExpectedTimes(article.Words, statistics.Words);
        var features = article.Words.FeaturesOfPairs(expected, view.Cosines);
        return new ReadoutView(article, expected, features, ExpectedPairsOf(features, statistics.Pairs), statistics.Reference);
    }

    private static double[] ExpectedTimes(ArticleWords words, ReadOnlySpan<float> weights)
    {
        Span<double> each = stackalloc double[weights.Length];
        for (var k = 0; k < weights.Length; k++) each[k] = weights[k];
        var expected = new double[words.Count * WordFeatures.Times];
        for (var v = 0; v < words.Count; v++)
        {
            var own = words.Features.AsSpan(v * WordFeatures.Count, WordFeatures.Count);
            var before = 1.0; // whoever stands there twice stands there once
            for (var k = 0; k < WordFeatures.Times; k++)
            {
                before = Math.Clamp(DoubleMath.Dot(own, each.Slice(k * WordFeatures.Count, WordFeatures.Count)), 0, before);
                expected[v * WordFeatures.Times + k] = before;
            }
        }
        return expected;
    }

    private static double[] ExpectedPairsOf(ReadOnlySpan<double> features, ReadOnlySpan<float> weights)
    {
        Span<double> each = stackalloc double[weights.Length];
        for (var k = 0; k < weights.Length; k++) each[k] = weights[k];
        var expected = new double[features.Length / weights.Length];
        for (var b = 0; b < expected.Length; b++) expected[b] = Math.Clamp(DoubleMath.Dot(features.Slice(b * each.Length, each.Length), each), 0, 1);
        return expected;
    }
}
