using System.Runtime.InteropServices;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>
/// The words of an article's sentences, and their pairs of neighbours, by <see cref="Rouge"/>'s conventions and numbered in order of first occurrence. V = distinct words,
/// B = distinct pairs, n = sentences.
/// A word is known by its hash alone: with 64 bits two of an article's words meet once in 10^14 articles.
/// </summary>
/// <remarks>Features are written anew whenever they are asked for: that costs less than the memory to keep them in.</remarks>
public sealed class ArticleWords
{
    [ThreadStatic]
    private static Reading? _reading;

    private readonly int[] tokens;
    private readonly int[] starts; // [n + 1]
    private readonly int[] pairNumbers;
    private readonly int[] pairStarts; // [n + 1]
    private readonly WordPlace[] places; // [n]
    private readonly Word[] words; // [V]
    private readonly WordPair[] pairs; // [B]

    /// <param name="outlines">[n] the article's sentences.</param>
    internal ArticleWords(IReadOnlyList<SentenceOutline> outlines)
    {
        var reading = _reading ??= new Reading();
        reading.Clear();
        starts = new int[outlines.Count + 1];
        pairStarts = new int[outlines.Count + 1];
        places = new WordPlace[outlines.Count];
        for (var i = 0; i < outlines.Count; i++)
        {
            reading.Add(outlines[i].Text, i);
            starts[i + 1] = reading.Tokens.Count;
            pairStarts[i + 1] = reading.PairTokens.Count;
            places[i] = WordPlace.Of(outlines[i]);
        }
        tokens = [.. reading.Tokens];
        pairNumbers = [.. reading.PairTokens];
        Hashes = reading.Hashes.ToArray();
        words = [.. reading.Words];
        pairs = [.. reading.Pairs];
        for (var v = 0; v < words.Length; v++) words[v].Frequency = WordFrequencies.Of(Hashes[v]);
    }

    /// <summary>V</summary>
    public int Count => words.Length;

    /// <summary>B</summary>
    internal int Pairs => pairs.Length;

    /// <summary>[V] <see cref="FeatureHash.Of"/> of each word.</summary>
    internal ulong[] Hashes { get; }

    /// <summary>The words of a sentence, in order, by their numbers.</summary>
    public ReadOnlySpan<int> Of(int sentence) => tokens.AsSpan(starts[sentence], starts[sentence + 1] - starts[sentence]);

    /// <summary>The pairs of neighbours of a sentence, each once, by their numbers.</summary>
    internal ReadOnlySpan<int> PairsOf(int sentence) => pairNumbers.AsSpan(pairStarts[sentence], pairStarts[sentence + 1] - pairStarts[sentence]);

    /// <summary>The two words of a pair.</summary>
    internal (int First, int Second) WordsOf(int pair) => (pairs[pair].First, pairs[pair].Second);

    /// <param name="features">[16] <see cref="WordFeatures"/> of a word; overwritten.</param>
    internal void WriteFeatures(int word, Span<double> features)
    {
        ref readonly var own = ref words[word];
        WordFeatures.Write(
            features, own.Frequency, places[own.First], own.Sentences, (double)own.Capitals / own.Times, own.IsNumber, (double)own.Sentences / places.Length);
    }

    /// <param name="features">[8] <see cref="PairFeatures"/> of a pair; overwritten.</param>
    /// <param name="expected">[V, 3] probabilities of the words.</param>
    /// <param name="cosines">[n] of the sentences to y.</param>
    internal void WritePairFeatures(int pair, Span<double> features, ReadOnlySpan<double> expected, ReadOnlySpan<double> cosines)
    {
        ref readonly var own = ref pairs[pair];
        PairFeatures.Write(
            features, expected[own.First * WordFeatures.Times] * expected[own.Second * WordFeatures.Times],
            words[own.First].Frequency.Weight * words[own.Second].Frequency.Weight, places[own.Sentence], WordFeatures.LogOf(own.Sentences), cosines[own.Sentence]);
    }

    /// <summary>What one thread keeps from article to article, so that only what an article keeps is made anew.</summary>
    private sealed class Reading
    {
        private readonly HashNumbers words = new();
        private readonly HashNumbers pairs = new();

        /// <summary>The words of all sentences, by their numbers.</summary>
        public List<int> Tokens { get; } = [];

        /// <summary>The pairs of all sentences, each once in a sentence.</summary>
        public List<int> PairTokens { get; } = [];

        public List<Word> Words { get; } = [];

        public List<WordPair> Pairs { get; } = [];

        public ReadOnlySpan<ulong> Hashes => words.Hashes;

        public void Clear()
        {
            words.Clear();
            pairs.Clear();
            Tokens.Clear();
            PairTokens.Clear();
            Words.Clear();
            Pairs.Clear();
        }

        public void Add(string text, int sentence)
        {
            var before = -1;
            foreach (var (hash, initial) in new RougeTokens(text))
            {
                var number = words.Of(hash);
                if (number == Words.Count) Words.Add(new Word(sentence, char.IsAsciiDigit(initial)));
                CollectionsMarshal.AsSpan(Words)[number].SeeIn(sentence, char.IsAsciiLetterUpper(initial) && before >= 0);
                Tokens.Add(number);
                if (before >= 0) AddPair(before, number, sentence);
                before = number;
            }
        }

        private void AddPair(int first, int second, int sentence)
        {
            var number = pairs.Of(FeatureHash.Mix(((ulong)first << 32) | (uint)second)); // no two pairs have the same
            if (number == Pairs.Count) Pairs.Add(new WordPair(first, second, sentence));
            if (CollectionsMarshal.AsSpan(Pairs)[number].SeeIn(sentence)) PairTokens.Add(number);
        }
    }

    /// <param name="first">Index of the sentence it stands in first.</param>
    private struct Word(int first, bool isNumber)
    {
        private readonly short first = (short)first;
        private short last = -1;
        private short sentences;

        public readonly int First => first;

        public readonly bool IsNumber => isNumber;

        public WordFrequency Frequency { get; set; }

        /// <summary>Sentences that have it.</summary>
        public readonly int Sentences => sentences;

        public int Times { get; private set; }

        /// <summary>Times it began with a capital but no sentence.</summary>
        public int Capitals { get; private set; }

        public void SeeIn(int sentence, bool isName)
        {
            if (last != sentence) sentences++;
            last = (short)sentence;
            Times++;
            if (isName) Capitals++;
        }
    }

    /// <summary>Two words that are neighbours in a sentence.</summary>
    /// <param name="sentence">Index of the first sentence that has them.</param>
    private struct WordPair(int first, int second, int sentence)
    {
        private readonly short sentence = (short)sentence;
        private short last = -1;
        private short sentences;

        public readonly int First => first;

        public readonly int Second => second;

        public readonly int Sentence => sentence;

        /// <summary>Sentences that have them.</summary>
        public readonly int Sentences => sentences;

        /// <returns>Whether the sentence had not been seen to have them.</returns>
        public bool SeeIn(int sentence)
        {
            if (last == sentence) return false;
            last = (short)sentence;
            sentences++;
            return true;
        }
    }
}
