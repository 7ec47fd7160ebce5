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
                if (!numbers.TryGetValue(hash, out var number))
                {
                    numbers[hash] = number = words.Count;
                    words.Add(new Word(hash, i, char.IsAsciiDigit(initial)));
                }
                words[number] = words[number].SeenIn(i, char.IsAsciiLetterUpper(initial) && !first);
                all.Add(number);
                first = false;
            }
            starts[i + 1] = all.Count;
        }
        tokens = [.. all];
        Hashes = new ulong[words.Count];
        Features = new double[words.Count * WordFeatures.Count];
        for (var v = 0; v < words.Count; v++)
        {
            Hashes[v] = words[v].Hash;
            words[v].Write(Features.AsSpan(v * WordFeatures.Count, WordFeatures.Count), outlines[words[v].First], outlines.Count);
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

    /// <param name="First">Index of the sentence it stands in first.</param>
    /// <param name="Last">Index of the one it was seen in last.</param>
    private readonly record struct Word(ulong Hash, int First, bool IsNumber, int Last = -1, int Sentences = 0, int Times = 0, int Capitals = 0)
    {
        public Word SeenIn(int sentence, bool isName) => this with
        {
            Last = sentence, Sentences = Sentences + (Last == sentence ? 0 : 1), Times = Times + 1, Capitals = Capitals + (isName ? 1 : 0),
        };

        public void Write(Span<double> features, in SentenceOutline first, int n) => WordFeatures.Write(
            features, WordFrequencies.WeightOf(Hash), first, Sentences, (double)Capitals / Times, IsNumber, (double)Sentences / n);
    }
}
