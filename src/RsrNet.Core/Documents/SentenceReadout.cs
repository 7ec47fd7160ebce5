using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>
/// The learned readout: picks sentence by sentence what adds most to the ROUGE that is expected of the summary, or the first sentences while it is closed. Expected are
/// ROUGE-1 by the article's words, each counted once (<see cref="WordCoverage"/>), and the share of common pairs of words by a regression for each sentence.
/// </summary>
/// <param name="sentences">Sentences of a summary.</param>
/// <param name="phrases">What the expected share of common pairs counts for beside the expected ROUGE-1; at least 0.</param>
public sealed class SentenceReadout(int sentences = 3, double phrases = 2)
{
    /// <summary>The name under which the learned readout shows itself.</summary>
    public const string Learned = "learned";

    /// <summary>The name of the first sentences.</summary>
    public const string Lead = "lead";

    /// <summary>The contribution of words that the highlights are expected to have and no sentence before had.</summary>
    public const string NewWords = "new words";

    /// <summary>Sentences of a summary.</summary>
    public int Sentences => sentences;

    /// <summary>The first sentences, in order: what a summary is until the learned readout has proved better.</summary>
    public static int[] First(ArticleSentences article, int count) => [.. Enumerable.Range(0, Math.Min(count, article.Count))];

    /// <summary>The sentences the learned readout picks, whether it serves or not; indices in article order.</summary>
    public int[] Pick(ReadoutView view)
    {
        var n = view.Article.Count;
        var coverage = new WordCoverage(view);
        var picked = new int[Math.Min(sentences, n)];
        for (var p = 0; p < picked.Length; p++)
        {
            var (best, most) = (-1, double.NegativeInfinity);
            for (var i = 0; i < n; i++)
            {
                if (picked.AsSpan(0, p).Contains(i)) continue;
                var gain = Weight * view.Scores[i] + coverage.GainOf(i);
                if (gain > most) (best, most) = (i, gain);
            }
            coverage.Add(best);
            picked[p] = best;
        }
        Array.Sort(picked);
        return picked;
    }

    /// <summary>The summary that is served, each sentence with what brought it there, the strongest first.</summary>
    public ReadoutSummary Of(SummaryView view, ResidualStatistics statistics)
    {
        var readout = ReadoutView.Of(view, statistics);
        var open = statistics.ReadoutOpen > 0;
        var picks = open ? Pick(readout) : First(readout.Article, sentences);
        var chosen = new SummarySentence[picks.Length];
        for (var p = 0; p < picks.Length; p++)
        {
            // What the others have leaves it to bring, whatever the order they were picked in.
            var coverage = new WordCoverage(readout);
            foreach (var other in picks.Where(other => other != picks[p])) coverage.Add(other);
            var contributions = Contributions(readout, picks[p], coverage, statistics);
            var outline = readout.Article.Outlines[picks[p]];
            var score = Weight * readout.Scores[picks[p]] + coverage.GainOf(picks[p]);
            chosen[p] = new SummarySentence(outline.Text, outline.Position, (float)score, contributions);
        }
        return new ReadoutSummary(open ? Learned : Lead, chosen);
    }

    private double Weight => phrases / sentences;

    /// <summary>Each told against the article's average sentence: what all have alike did not choose anything.</summary>
    private List<FeatureContribution> Contributions(ReadoutView view, int sentence, WordCoverage others, ResidualStatistics statistics)
    {
        const int k = ReadoutFeatures.Count;
        var n = view.Article.Count;
        var contributions = new List<FeatureContribution>(k);
        for (var feature = 1; feature < k; feature++)
        {
            double average = 0;
            for (var i = 0; i < n; i++) average += view.Features[i * k + feature] / n;
            contributions.Add(new FeatureContribution(
                ReadoutFeatures.Names[feature], (float)(Weight * statistics.Readout[feature] * (view.Features[sentence * k + feature] - average))));
        }
        double usual = 0;
        for (var i = 0; i < n; i++) usual += others.GainOf(i) / n;
        contributions.Add(new FeatureContribution(NewWords, (float)(others.GainOf(sentence) - usual)));
        contributions.Sort((a, b) => Math.Abs(b.Value).CompareTo(Math.Abs(a.Value)));
        return contributions;
    }
}

/// <param name="Readout">
/// Which readout made it: <c>learned</c>, <c>lead</c> (the first sentences, until the learned one has proved better), or <c>nearest</c> (by cosine to y,
/// in the notebook's mode).
/// </param>
public sealed record ReadoutSummary(string Readout, IReadOnlyList<SummarySentence> Sentences);

public readonly record struct FeatureContribution(string Feature, float Value);
