using System.Runtime.InteropServices;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>
/// The words of an article's sentences, by <see cref="Rouge"/>'s conventions and numbered in order of first occurrence. V = distinct words, n = sentences.
/// A word is known by its hash alone: with 64 bits two of an article's words meet once in 10^14 articles.
/// </summary>
public sealed class ArticleWords
{
    [ThreadStatic]
    private static Dictionary<ulong, int>? _numbers;

    private readonly int[] tokens;
    private readonly int[] starts; // [n + 1]

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
        WordPlace[] places = [.. outlines.Select(WordPlace.Of)];
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
    }

    /// <summary>V</summary>
    public int Count => Hashes.Length;

    /// <summary>[V] <see cref="FeatureHash.Of"/> of each word.</summary>
    internal ulong[] Hashes { get; }

    /// <summary>[V, 16] <see cref="WordFeatures"/>.</summary>
    internal double[] Features { get; }

    /// <summary>The words of a sentence, in order, by their numbers.</summary>
    public ReadOnlySpan<int> Of(int sentence) => tokens.AsSpan(starts[sentence], starts[sentence + 1] - starts[sentence]);

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
