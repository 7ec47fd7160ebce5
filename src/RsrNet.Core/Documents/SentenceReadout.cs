using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>
/// The learned readout: picks sentence by sentence what adds most to the ROUGE that is expected of the summary, and ends it where no sentence adds anything
/// (<see cref="ExpectedRouge"/>); or the first sentences while it is closed.
/// </summary>
/// <param name="sentences">Most sentences of a summary.</param>
/// <param name="phrases">What the expected ROUGE-2 counts for beside the expected ROUGE-1; at least 0.</param>
public sealed class SentenceReadout(int sentences = 3, double phrases = 4)
{
    /// <summary>The name under which the learned readout shows itself.</summary>
    public const string Learned = "learned";

    /// <summary>The name of the first sentences.</summary>
    public const string Lead = "lead";

    /// <summary>The contribution of words that the highlights are expected to have and no sentence before had.</summary>
    public const string NewWords = "new words";

    /// <summary>The contribution of what is neither: that a longer summary makes each hit count less, and that no probability is below 0 or above 1.</summary>
    public const string Length = "length";

    /// <summary>Most sentences of a summary.</summary>
    public int Sentences => sentences;

    /// <summary>The first sentences, in order: what a summary is until the learned readout has proved better.</summary>
    public static int[] First(ArticleSentences article, int count) => [.. Enumerable.Range(0, Math.Min(count, article.Count))];

    /// <summary>The sentences the learned readout picks, whether it serves or not; indices in article order.</summary>
    public int[] Pick(ReadoutView view)
    {
        var n = view.Article.Count;
        var rouge = new ExpectedRouge(view, phrases);
        var picked = new List<int>(sentences);
        while (picked.Count < Math.Min(sentences, n))
        {
            var (best, most) = (-1, double.NegativeInfinity);
            for (var i = 0; i < n; i++)
            {
                if (picked.Contains(i)) continue;
                var gain = rouge.GainOf(i);
                if (gain > most) (best, most) = (i, gain);
            }
            if (picked.Count > 0 && most <= 0) break;
            rouge.Add(best);
            picked.Add(best);
        }
        picked.Sort();
        return [.. picked];
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
            var others = new ExpectedRouge(readout, phrases);
            foreach (var other in picks.Where(other => other != picks[p])) others.Add(other);
            var outline = readout.Article.Outlines[picks[p]];
            chosen[p] = new SummarySentence(outline.Text, outline.Position, (float)others.GainOf(picks[p]), Contributions(others, picks[p], readout.Article.Count, statistics));
        }
        return new ReadoutSummary(open ? Learned : Lead, chosen);
    }

    /// <summary>Each told against the article's average sentence: what all have alike did not choose anything.</summary>
    private static List<FeatureContribution> Contributions(ExpectedRouge others, int sentence, int n, ResidualStatistics statistics)
    {
        const int k = PairFeatures.Count;
        Span<double> average = stackalloc double[k + 1], own = stackalloc double[k + 1];
        average.Clear();
        for (var i = 0; i < n; i++)
        {
            Parts(i, own);
            for (var part = 0; part <= k; part++) average[part] += own[part] / n;
        }
        Parts(sentence, own);
        var contributions = new List<FeatureContribution>(k + 1);
        for (var part = 0; part <= k; part++)
        {
            var name = part == 0 ? NewWords : part == k ? Length : PairFeatures.Names[part];
            contributions.Add(new FeatureContribution(name, (float)(own[part] - average[part])));
        }
        contributions.Sort((a, b) => Math.Abs(b.Value).CompareTo(Math.Abs(a.Value)));
        return contributions;

        void Parts(int one, Span<double> parts)
        {
            others.PartsOf(one, statistics.Pairs, parts[..k]);
            parts[k] = others.GainOf(one);
            for (var part = 0; part < k; part++) parts[k] -= parts[part];
        }
    }
}

/// <param name="Readout">
/// Which readout made it: <c>learned</c>, <c>lead</c> (the first sentences, until the learned one has proved better), or <c>nearest</c> (by cosine to y,
/// in the notebook's mode).
/// </param>
public sealed record ReadoutSummary(string Readout, IReadOnlyList<SummarySentence> Sentences);

public readonly record struct FeatureContribution(string Feature, float Value);
