namespace RsrNet.Core.Documents;

/// <summary>
/// How much of an article's sentences stands in its highlights: the readout's target, and ROUGE-1 and -2 of sentences picked, by <see cref="Rouge"/>'s
/// conventions. Each sentence is taken apart once.
/// </summary>
public sealed class HighlightOverlap
{
    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<(int, int), int> words;
    private readonly Dictionary<(int, int), int> pairs;
    private readonly Dictionary<(int, int), int> used = [];
    private readonly int wordCount;
    private readonly int[][] sentences;

    /// <param name="highlights">The human sentences.</param>
    /// <param name="sentences">The article's.</param>
    public HighlightOverlap(IReadOnlyList<string> highlights, IReadOnlyList<SentenceOutline> sentences)
    {
        var lookup = numbers.GetAlternateLookup<ReadOnlySpan<char>>();
        var tokens = Rouge.Tokens(string.Join(' ', highlights), lookup);
        wordCount = tokens.Length;
        words = Count(tokens, 1);
        pairs = Count(tokens, 2);
        // Only words that the highlights have get a number; all others are -1 and meet nothing.
        this.sentences = [.. sentences.Select(outline => Rouge.KnownTokens(outline.Text, lookup))];
    }

    /// <summary>Share of a sentence's words, and of its pairs of neighbouring words, that the highlights have; the sum is in [0, 2].</summary>
    /// <remarks>Precision, not F1 or recall: a long sentence shall not win by its length, which the summary's three places do not charge for.</remarks>
    public double Of(int sentence)
    {
        var tokens = sentences[sentence];
        return Precision(Hits(tokens, 1, words), tokens.Length) + Precision(Hits(tokens, 2, pairs), tokens.Length - 1);
    }

    /// <summary>Mean of ROUGE-1 and ROUGE-2 F1 of some sentences together; in [0, 1].</summary>
    /// <param name="picked">Their indices, in order.</param>
    public double OfSummary(IReadOnlyList<int> picked)
    {
        var tokens = picked.SelectMany(index => sentences[index]).ToArray();
        return (RougeScore.Of(Hits(tokens, 1, words), tokens.Length, wordCount).F1
            + RougeScore.Of(Hits(tokens, 2, pairs), Math.Max(tokens.Length - 1, 0), Math.Max(wordCount - 1, 0)).F1) / 2;
    }

    /// <summary>Grams in common; none counts oftener than the highlights have it.</summary>
    private int Hits(int[] tokens, int n, Dictionary<(int, int), int> reference)
    {
        used.Clear();
        var hits = 0;
        for (var i = 0; i + n <= tokens.Length; i++)
        {
            var gram = (tokens[i], tokens[i + n - 1]);
            if (gram.Item1 < 0 || gram.Item2 < 0 || !reference.TryGetValue(gram, out var there)) continue;
            var before = used.GetValueOrDefault(gram);
            if (before == there) continue;
            used[gram] = before + 1;
            hits++;
        }
        return hits;
    }

    private static double Precision(int hits, int count) => count > 0 ? (double)hits / count : 0;

    private static Dictionary<(int, int), int> Count(int[] tokens, int n)
    {
        var counts = new Dictionary<(int, int), int>();
        for (var i = 0; i + n <= tokens.Length; i++)
        {
            var gram = (tokens[i], tokens[i + n - 1]);
            counts[gram] = counts.GetValueOrDefault(gram) + 1;
        }
        return counts;
    }
}
