using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>
/// How much of an article's sentences stands in its highlights: the readout's targets, and ROUGE-1 and -2 of sentences picked, by <see cref="Rouge"/>'s
/// conventions. Each sentence is taken apart once.
/// </summary>
public sealed class HighlightOverlap
{
    private readonly ArticleWords article;
    private readonly int[] numbers; // [V] of the article's words among the highlights'; -1 where they do not have it
    private readonly int[] times;   // [words of the highlights] how often they have each
    private readonly Dictionary<(int, int), int> pairs = [];
    private readonly Dictionary<(int, int), int> used = [];

    /// <param name="highlights">The human sentences.</param>
    /// <param name="article">The words of the article's.</param>
    public HighlightOverlap(IReadOnlyList<string> highlights, ArticleWords article)
    {
        this.article = article;
        var known = new Dictionary<ulong, int>();
        var tokens = new List<int>(64);
        foreach (var highlight in highlights)
        {
            foreach (var (hash, _) in new RougeTokens(highlight))
            {
                if (!known.TryGetValue(hash, out var number)) known[hash] = number = known.Count;
                tokens.Add(number);
            }
        }
        times = new int[known.Count];
        for (var i = 0; i < tokens.Count; i++)
        {
            times[tokens[i]]++;
            if (i > 0) pairs[(tokens[i - 1], tokens[i])] = pairs.GetValueOrDefault((tokens[i - 1], tokens[i])) + 1;
        }
        Words = tokens.Count;
        numbers = new int[article.Count];
        for (var v = 0; v < numbers.Length; v++) numbers[v] = known.GetValueOrDefault(article.Hashes[v], -1);
    }

    /// <summary>Words of the highlights.</summary>
    public int Words { get; }

    /// <summary>How often the highlights have one of the article's words.</summary>
    public int Times(int word) => numbers[word] < 0 ? 0 : times[numbers[word]];

    /// <summary>Whether the highlights have two of the article's words as neighbours.</summary>
    public bool HasPair(int first, int second) => numbers[first] >= 0 && numbers[second] >= 0 && pairs.ContainsKey((numbers[first], numbers[second]));

    /// <summary>Mean of ROUGE-1 and ROUGE-2 F1 of some sentences together; in [0, 1].</summary>
    /// <param name="picked">Their indices, in order.</param>
    public double OfSummary(ReadOnlySpan<int> picked)
    {
        var taken = new int[times.Length];
        int hits = 0, count = 0;
        foreach (var sentence in picked)
        {
            var words = article.Of(sentence);
            count += words.Length;
            foreach (var word in words)
            {
                var number = numbers[word];
                if (number >= 0 && taken[number]++ < times[number]) hits++;
            }
        }
        var common = CommonPairs(picked, out var neighbours);
        return (RougeScore.Of(hits, count, Words).F1 + RougeScore.Of(common, neighbours, Math.Max(Words - 1, 0)).F1) / 2;
    }

    /// <summary>Pairs in common; none counts oftener than the highlights have it. The last word of a sentence and the first of the next are neighbours.</summary>
    private int CommonPairs(ReadOnlySpan<int> picked, out int count)
    {
        used.Clear();
        int hits = 0, before = -1;
        count = -1;
        foreach (var sentence in picked)
        {
            foreach (var word in article.Of(sentence))
            {
                var pair = (before, numbers[word]);
                before = numbers[word];
                count++;
                if (pair.Item1 < 0 || pair.Item2 < 0 || !pairs.TryGetValue(pair, out var there)) continue;
                var already = used.GetValueOrDefault(pair);
                if (already == there) continue;
                used[pair] = already + 1;
                hits++;
            }
        }
        count = Math.Max(count, 0);
        return hits;
    }
}
