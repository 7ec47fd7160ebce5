using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>What the learned readout knows of an article: how its sentences lie to y, and which of its words it expects in the highlights.</summary>
public sealed class ReadoutView
{
    private ReadoutView(ArticleSentences article, double[] features, double[] scores, double[] expected, double reference)
    {
        Article = article;
        Features = features;
        Scores = scores;
        Expected = expected;
        Reference = reference;
    }

    public ArticleSentences Article { get; }

    /// <summary>[n, 12] <see cref="ReadoutFeatures"/>.</summary>
    public double[] Features { get; }

    /// <summary>[n] expected share of a sentence's pairs of words that the highlights have.</summary>
    public double[] Scores { get; }

    /// <summary>[V, 3] expected probability that a word stands in the highlights at least once, twice, three times; in [0, 1].</summary>
    public double[] Expected { get; }

    /// <summary>Words that highlights have on average.</summary>
    public double Reference { get; }

    /// <param name="view">The article with a y.</param>
    /// <param name="statistics">Those of the weights that made the view.</param>
    public static ReadoutView Of(SummaryView view, ResidualStatistics statistics)
    {
        var article = view.Reading.Article;
        var expected = ExpectedTimes(article.Words, statistics.Words);
        var features = new double[article.Count * ReadoutFeatures.Count];
        var scores = new double[article.Count];
        for (var i = 0; i < article.Count; i++)
        {
            var own = features.AsSpan(i * ReadoutFeatures.Count, ReadoutFeatures.Count);
            var words = article.Words.Of(i);
            double sum = 0;
            foreach (var word in words) sum += expected[word * WordFeatures.Times];
            ReadoutFeatures.Write(
                own, article.Outlines[i], view.Cosines[i], view.Reading.CosinesX[i], view.Reading.Centrality(i), words.Length > 0 ? sum / words.Length : 0);
            for (var k = 0; k < own.Length; k++) scores[i] += own[k] * statistics.Readout[k];
        }
        return new ReadoutView(article, features, scores, expected, statistics.Reference);
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
}
