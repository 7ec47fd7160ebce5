using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>The learned readout: scores an article's sentences by <see cref="ReadoutFeatures"/> and picks the best, or the first ones while it is closed.</summary>
/// <param name="sentences">Sentences of a summary.</param>
/// <param name="redundancy">How much a score falls for each unit of cosine to a sentence already picked; at least 0.</param>
public sealed class SentenceReadout(int sentences = 3, double redundancy = 0)
{
    /// <summary>Sentences of a summary.</summary>
    public int Sentences => sentences;

    /// <summary>The name under which the learned readout shows itself.</summary>
    public const string Learned = "learned";

    /// <summary>The name of the first sentences.</summary>
    public const string Lead = "lead";

    /// <summary>The first sentences, in order: what a summary is until the learned readout has proved better.</summary>
    public static int[] First(ArticleSentences article, int count) => [.. Enumerable.Range(0, Math.Min(count, article.Count))];

    /// <summary>[n, 11] features of all sentences.</summary>
    public static double[] Features(SummaryView view)
    {
        var features = new double[view.Reading.Count * ReadoutFeatures.Count];
        for (var i = 0; i < view.Reading.Count; i++)
        {
            ReadoutFeatures.Write(
                features.AsSpan(i * ReadoutFeatures.Count, ReadoutFeatures.Count),
                view.Reading.Article.Outlines[i], view.Cosines[i], view.Reading.CosinesX[i], view.Reading.Centrality(i));
        }
        return features;
    }

    /// <summary>The sentences the learned scorer picks, whether it serves or not; indices in article order.</summary>
    /// <param name="features">[n, 11]</param>
    public int[] Pick(SummaryView view, ReadOnlySpan<double> features, ReadOnlySpan<float> weights)
    {
        var n = view.Reading.Count;
        var scores = new double[n];
        for (var i = 0; i < n; i++) scores[i] = Score(features.Slice(i * ReadoutFeatures.Count, ReadoutFeatures.Count), weights);
        var picked = new List<int>(sentences);
        while (picked.Count < Math.Min(sentences, n))
        {
            var best = -1;
            for (var i = 0; i < n; i++)
            {
                if (!picked.Contains(i) && (best < 0 || scores[i] > scores[best])) best = i;
            }
            picked.Add(best);
            if (redundancy == 0) continue;
            for (var i = 0; i < n; i++) scores[i] -= redundancy * Math.Max(0, view.Reading.Products[i * n + best]);
        }
        picked.Sort();
        return [.. picked];
    }

    /// <summary>The summary that is served, each sentence with the features that brought it there, the strongest first.</summary>
    public ReadoutSummary Of(SummaryView view, ResidualStatistics statistics)
    {
        var features = Features(view);
        var open = statistics.ReadoutOpen > 0;
        var picks = open ? Pick(view, features, statistics.Readout) : First(view.Reading.Article, sentences);
        // A contribution is told against the article's average sentence: what all have alike did not choose anything.
        var average = new double[ReadoutFeatures.Count];
        for (var i = 0; i < features.Length; i++) average[i % ReadoutFeatures.Count] += features[i] / view.Reading.Count;
        var chosen = new SummarySentence[picks.Length];
        for (var p = 0; p < picks.Length; p++)
        {
            var own = features.AsSpan(picks[p] * ReadoutFeatures.Count, ReadoutFeatures.Count);
            var contributions = new List<FeatureContribution>(ReadoutFeatures.Count);
            for (var k = 1; k < ReadoutFeatures.Count; k++)
                contributions.Add(new FeatureContribution(ReadoutFeatures.Names[k], (float)(statistics.Readout[k] * (own[k] - average[k]))));
            contributions.Sort((a, b) => Math.Abs(b.Value).CompareTo(Math.Abs(a.Value)));
            var outline = view.Reading.Article.Outlines[picks[p]];
            chosen[p] = new SummarySentence(outline.Text, outline.Position, (float)Score(own, statistics.Readout), contributions);
        }
        return new ReadoutSummary(open ? Learned : Lead, chosen);
    }

    private static double Score(ReadOnlySpan<double> features, ReadOnlySpan<float> weights)
    {
        double score = 0;
        for (var k = 0; k < features.Length; k++) score += features[k] * weights[k];
        return score;
    }
}

/// <param name="Readout">
/// Which readout made it: <c>learned</c>, <c>lead</c> (the first sentences, until the learned one has proved better), or <c>nearest</c> (by cosine to y,
/// in the notebook's mode).
/// </param>
public sealed record ReadoutSummary(string Readout, IReadOnlyList<SummarySentence> Sentences);

public readonly record struct FeatureContribution(string Feature, float Value);
