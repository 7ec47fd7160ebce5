using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Evaluation;

/// <summary>Summaries that need no learning, and the one that knows the answer.</summary>
public static class ExtractiveBaselines
{
    private const int Sentences = 3;

    /// <summary>The first three sentences: hard to beat in news.</summary>
    public static string[] Lead(ArticleSentences article) => Texts(article, Enumerable.Range(0, Math.Min(Sentences, article.Count)));

    /// <summary>The three sentences nearest to the article.</summary>
    public static string[] Centroid(ArticleSentences article, float[] x) =>
        Texts(article, Enumerable.Range(0, article.Count).OrderByDescending(i => VectorMath.Cosine(article.Vectors.Of(i), x)).Take(Sentences));

    /// <summary>Three sentences by chance.</summary>
    public static string[] Chance(ArticleSentences article, ref SplitMix64 random)
    {
        var drawn = new HashSet<int>();
        while (drawn.Count < Math.Min(Sentences, article.Count)) drawn.Add((int)(random.NextDouble() * article.Count));
        return Texts(article, drawn);
    }

    /// <summary>
    /// What could be reached: sentence by sentence the one that raises ROUGE-1 plus ROUGE-2 F1 against the highlights most, at most three, as long as one does.
    /// </summary>
    public static string[] Oracle(ArticleSentences article, IReadOnlyList<string> highlights)
    {
        var chosen = new List<int>();
        var best = 0.0;
        while (chosen.Count < Sentences)
        {
            var next = -1;
            for (var i = 0; i < article.Count; i++)
            {
                if (chosen.Contains(i)) continue;
                var rouge = Rouge.Words(Texts(article, [.. chosen, i]), highlights);
                var score = rouge.R1.F1 + rouge.R2.F1;
                if (score > best) (best, next) = (score, i);
            }
            if (next < 0) break;
            chosen.Add(next);
        }
        return Texts(article, chosen);
    }

    private static string[] Texts(ArticleSentences article, IEnumerable<int> chosen) => [.. chosen.Order().Select(i => article.Outlines[i].Text)];
}
