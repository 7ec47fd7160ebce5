using System.Runtime.InteropServices;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>
/// The words of an article's sentences, and their pairs of neighbours, by <see cref="Rouge"/>'s conventions and numbered in order of first occurrence. V = distinct words,
/// B = distinct pairs, n = sentences.
/// A word is known by its hash alone: with 64 bits two of an article's words meet once in 10^14 articles.
/// </summary>
public sealed class ArticleWords
{
    [ThreadStatic]
    private static Dictionary<ulong, int>? _numbers;

    [ThreadStatic]
    private static Dictionary<long, int>? _pairNumbers;

    private readonly int[] tokens;
    private readonly int[] starts; // [n + 1]
    private readonly int[] pairs;
    private readonly int[] pairStarts; // [n + 1]
    private readonly WordPlace[] places; // [n]

    /// <param name="outlines">[n] the article's sentences.</param>
    internal ArticleWords(IReadOnlyList<SentenceOutline> outlines)
    {
        var numbers = _numbers ??= [];
        numbers.Clear();
        var words = new List<Word>(256);
        var all = new List<int>(1024);
        starts = new int[outlines.Count + 1];
        for (var i = 0; i < outlines.Count; i++)
        {
            var first = true;
            foreach (var (hash, initial) in new RougeTokens(outlines[i].Text))
            {
                ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, hash, out var known);
                if (!known)
                {
                    number = words.Count;
                    words.Add(new Word(hash, i, char.IsAsciiDigit(initial)));
                }
                CollectionsMarshal.AsSpan(words)[number].SeeIn(i, char.IsAsciiLetterUpper(initial) && !first);
                all.Add(number);
                first = false;
            }
            starts[i + 1] = all.Count;
        }
        tokens = [.. all];
        places = [.. outlines.Select(WordPlace.Of)];
        Hashes = new ulong[words.Count];
        Features = new double[words.Count * WordFeatures.Count];
        for (var v = 0; v < words.Count; v++)
        {
            ref var word = ref CollectionsMarshal.AsSpan(words)[v];
            Hashes[v] = word.Hash;
            WordFeatures.Write(
                Features.AsSpan(v * WordFeatures.Count, WordFeatures.Count), WordFrequencies.Of(word.Hash), places[word.First], word.Sentences,
                (double)word.Capitals / word.Times, word.IsNumber, (double)word.Sentences / outlines.Count);
        }
        (Pairs, pairs, pairStarts) = PairUp();
    }

    /// <summary>V</summary>
    public int Count => Hashes.Length;

    /// <summary>[V] <see cref="FeatureHash.Of"/> of each word.</summary>
    internal ulong[] Hashes { get; }

    /// <summary>[V, 16] <see cref="WordFeatures"/>.</summary>
    internal double[] Features { get; }

    /// <summary>[B]</summary>
    internal WordPair[] Pairs { get; }

    /// <summary>The words of a sentence, in order, by their numbers.</summary>
    public ReadOnlySpan<int> Of(int sentence) => tokens.AsSpan(starts[sentence], starts[sentence + 1] - starts[sentence]);

    /// <summary>The pairs of neighbours of a sentence, each once, by their numbers.</summary>
    internal ReadOnlySpan<int> PairsOf(int sentence) => pairs.AsSpan(pairStarts[sentence], pairStarts[sentence + 1] - pairStarts[sentence]);

    /// <returns>[B, 8] <see cref="PairFeatures"/>.</returns>
    /// <param name="expected">[V, 3] probabilities of the words.</param>
    /// <param name="cosines">[n] of the sentences to y.</param>
    internal double[] FeaturesOfPairs(ReadOnlySpan<double> expected, ReadOnlySpan<double> cosines)
    {
        var features = new double[Pairs.Length * PairFeatures.Count];
        for (var b = 0; b < Pairs.Length; b++)
        {
            ref readonly var pair = ref Pairs[b];
            PairFeatures.Write(
                features.AsSpan(b * PairFeatures.Count, PairFeatures.Count), expected[pair.First * WordFeatures.Times] * expected[pair.Second * WordFeatures.Times],
                pair.Rare, places[pair.Sentence], WordFeatures.LogOf(pair.Sentences), cosines[pair.Sentence]);
        }
        return features;
    }

    private (WordPair[] Pairs, int[] Numbers, int[] Starts) PairUp()
    {
        var numbers = _pairNumbers ??= [];
        numbers.Clear();
        var found = new List<WordPair>(tokens.Length);
        var last = new List<int>(tokens.Length); // the sentence that had the pair last
        var all = new List<int>(tokens.Length);
        var ends = new int[starts.Length];
        for (var i = 0; i + 1 < starts.Length; i++)
        {
            var own = Of(i);
            for (var j = 1; j < own.Length; j++)
            {
                ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, ((long)own[j - 1] << 32) | (uint)own[j], out var known);
                if (!known)
                {
                    number = found.Count;
                    found.Add(new WordPair(own[j - 1], own[j], i, 0, RareOf(own[j - 1]) * RareOf(own[j])));
                    last.Add(-1);
                }
                if (last[number] == i) continue;
                last[number] = i;
                ref var pair = ref CollectionsMarshal.AsSpan(found)[number];
                pair = pair with { Sentences = pair.Sentences + 1 };
                all.Add(number);
            }
            ends[i + 1] = all.Count;
        }
        return ([.. found], [.. all], ends);
    }

    private double RareOf(int word) => Features[word * WordFeatures.Count + WordFeatures.Rare];

    /// <param name="first">Index of the sentence it stands in first.</param>
    private struct Word(ulong hash, int first, bool isNumber)
    {
        private int last = -1;

        public readonly ulong Hash => hash;

        public readonly int First => first;

        public readonly bool IsNumber => isNumber;

        /// <summary>Sentences that have it.</summary>
        public int Sentences { get; private set; }

        public int Times { get; private set; }

        /// <summary>Times it began with a capital but no sentence.</summary>
        public int Capitals { get; private set; }

        public void SeeIn(int sentence, bool isName)
        {
            if (last != sentence) Sentences++;
            last = sentence;
            Times++;
            if (isName) Capitals++;
        }
    }
}

/// <summary>Two words that are neighbours in a sentence.</summary>
/// <param name="Sentence">Index of the first sentence that has them.</param>
/// <param name="Sentences">Sentences that have them.</param>
/// <param name="Rare">Product of their <see cref="WordFrequency.Weight"/>.</param>
internal readonly record struct WordPair(int First, int Second, int Sentence, int Sentences, double Rare);
