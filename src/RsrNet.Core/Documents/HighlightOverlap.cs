using System.Runtime.InteropServices;
using RsrNet.Core.Embedding;

namespace RsrNet.Core.Documents;

/// <summary>
/// How much of an article's sentences stands in its highlights: the readout's targets, and ROUGE-1 and -2 of sentences picked, by <see cref="Rouge"/>'s
/// conventions. Each sentence is taken apart once.
/// </summary>
public sealed class HighlightOverlap
{
    [ThreadStatic]
    private static HashNumbers? _known;

    private readonly ArticleWords article;
    private readonly int[] numbers; // [V] of the article's words among the highlights'; -1 where they do not have it
    private readonly int[] times;   // [words of the highlights] how often they have each
    private readonly Dictionary<long, int> pairs = new(64); // how often they have two of their words as neighbours
    private readonly Dictionary<long, int> used = [];

    /// <param name="highlights">The human sentences.</param>
    /// <param name="article">The words of the article's.</param>
    public HighlightOverlap(IReadOnlyList<string> highlights, ArticleWords article)
    {
        this.article = article;
        var known = _known ??= new HashNumbers();
        known.Clear();
        var tokens = new List<int>(64);
        foreach (var highlight in highlights)
        {
            foreach (var (hash, _) in new RougeTokens(highlight)) tokens.Add(known.Of(hash));
        }
        times = new int[known.Count];
        for (var i = 0; i < tokens.Count; i++)
        {
            times[tokens[i]]++;
            if (i > 0) CollectionsMarshal.GetValueRefOrAddDefault(pairs, PairOf(tokens[i - 1], tokens[i]), out _)++;
        }
        Words = tokens.Count;
        numbers = new int[article.Count];
        for (var v = 0; v < numbers.Length; v++) numbers[v] = known.Find(article.Hashes[v]);
    }

    /// <summary>Words of the highlights.</summary>
    public int Words { get; }

    /// <summary>How often the highlights have one of the article's words.</summary>
    public int Times(int word) => numbers[word] < 0 ? 0 : times[numbers[word]];

    /// <summary>Whether the highlights have one of the article's pairs of words.</summary>
    public bool HasPair(int pair)
    {
        var (first, second) = article.WordsOf(pair);
        return numbers[first] >= 0 && numbers[second] >= 0 && pairs.ContainsKey(PairOf(numbers[first], numbers[second]));
    }

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
                var (first, second) = (before, numbers[word]);
                before = second;
                count++;
                if (first < 0 || second < 0 || !pairs.TryGetValue(PairOf(first, second), out var there)) continue;
                ref var already = ref CollectionsMarshal.GetValueRefOrAddDefault(used, PairOf(first, second), out _);
                if (already == there) continue;
                already++;
                hits++;
            }
        }
        count = Math.Max(count, 0);
        return hits;
    }

    private static long PairOf(int first, int second) => ((long)first << 32) | (uint)second;
}
