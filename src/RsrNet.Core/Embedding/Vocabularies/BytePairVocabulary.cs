using System.Runtime.InteropServices;
using System.Text;

namespace RsrNet.Core.Embedding.Vocabularies;

/// <summary>
/// Byte pairs learned from texts (Sennrich, Haddow and Birch 2016; words are cut as in GPT-2). Nothing is unknown to it: every byte has a number. It is
/// trained once, and does not grow.
/// </summary>
public sealed class BytePairVocabulary : IVocabulary
{
    public const string Name = "byte-pairs";

    private readonly IReadOnlyList<string> merges;
    private readonly BytePairMerges encoding;
    private readonly Dictionary<char, byte> bytes = [];

    /// <param name="merges">Pairs in the order they were learned, both sides in GPT-2's byte alphabet and parted by a blank.</param>
    /// <exception cref="InvalidDataException">A merge has not two sides.</exception>
    public BytePairVocabulary(IReadOnlyList<string> merges)
    {
        this.merges = merges;
        encoding = new BytePairMerges(merges.Select(Sides));
        for (var value = 0; value < 256; value++) bytes[ByteAlphabet.Of((byte)value)] = (byte)value;
    }

    public int Count => SpecialToken.Count + encoding.Symbols.Count;

    public VocabularyContent Content => new(Name, merges);

    /// <summary>Learns the most frequent pairs, one after the other.</summary>
    /// <param name="size">Numbers wanted, special ones and the 256 bytes included; fewer where the texts have no more pairs that occur twice.</param>
    public static BytePairVocabulary Train(IEnumerable<string> texts, int size)
    {
        var words = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            foreach (var piece in new PreTokens(text)) CollectionsMarshal.GetValueRefOrAddDefault(words, piece.ToString(), out _)++;
        }
        var pairs = new PairCounts(words.Select(word => (Spell(word.Key), word.Value)));
        var merges = new List<string>();
        while (SpecialToken.Count + 256 + merges.Count < size && pairs.MostFrequent() is { } best)
        {
            merges.Add($"{best.Left} {best.Right}");
            pairs.Merge(best);
        }
        return new BytePairVocabulary(merges);
    }

    /// <param name="path">A file of merges, as GPT-2's merges.txt.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="InvalidDataException">A line is no merge.</exception>
    public static BytePairVocabulary Read(string path) => new([.. BartTokenFiles.ReadMerges(path).Select(merge => $"{merge.Left} {merge.Right}")]);

    public void Encode(string text, List<int> tokens)
    {
        var from = tokens.Count;
        foreach (var piece in new PreTokens(text)) encoding.Encode(Encoding.UTF8.GetBytes(piece.ToArray()), tokens);
        for (var i = from; i < tokens.Count; i++) tokens[i] += SpecialToken.Count;
    }

    public void Learn(string text)
    {
        // It knows every byte already.
    }

    public string Decode(ReadOnlySpan<int> tokens)
    {
        var all = new List<byte>(4 * tokens.Length);
        foreach (var token in tokens)
        {
            if (token < SpecialToken.Count || token >= Count) continue;
            foreach (var character in encoding.Symbols[token - SpecialToken.Count]) all.Add(bytes[character]);
        }
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(all));
    }

    private static List<string> Spell(string piece) => [.. Encoding.UTF8.GetBytes(piece).Select(value => ByteAlphabet.Of(value).ToString())];

    private static (string Left, string Right) Sides(string merge) =>
        merge.Split(' ') is [{ Length: > 0 } left, { Length: > 0 } right]
            ? (left, right)
            : throw new InvalidDataException($"the merge '{merge}' has not two sides");

    /// <summary>How often symbols stand side by side, kept up as pairs are merged: only words with the pair are looked at again.</summary>
    private sealed class PairCounts
    {
        private readonly List<(List<string> Symbols, int Count)> words;
        private readonly Dictionary<(string Left, string Right), int> counts = [];
        private readonly Dictionary<(string Left, string Right), HashSet<int>> places = [];

        public PairCounts(IEnumerable<(List<string> Symbols, int Count)> words)
        {
            this.words = [.. words];
            for (var word = 0; word < this.words.Count; word++) Count(word, 1);
        }

        /// <summary>Null where none occurs twice. Of equally frequent ones the first by its letters, so that the same texts always teach the same.</summary>
        public (string Left, string Right)? MostFrequent()
        {
            (string Left, string Right)? best = null;
            var most = 1;
            foreach (var (pair, count) in counts)
            {
                if (count < most || (count == most && (best is null || !IsBefore(pair, best.Value)))) continue;
                (best, most) = (pair, count);
            }
            return best;
        }

        public void Merge((string Left, string Right) pair)
        {
            foreach (var word in places[pair].Order().ToArray())
            {
                Count(word, -1);
                var symbols = words[word].Symbols;
                for (var i = 0; i + 1 < symbols.Count; i++)
                {
                    if (symbols[i] != pair.Left || symbols[i + 1] != pair.Right) continue;
                    symbols[i] = pair.Left + pair.Right;
                    symbols.RemoveAt(i + 1);
                }
                Count(word, 1);
            }
        }

        private static bool IsBefore((string Left, string Right) pair, (string Left, string Right) other)
        {
            var left = string.CompareOrdinal(pair.Left, other.Left);
            return left < 0 || (left == 0 && string.CompareOrdinal(pair.Right, other.Right) < 0);
        }

        private void Count(int word, int sign)
        {
            var (symbols, times) = words[word];
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                var pair = (symbols[i], symbols[i + 1]);
                ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, pair, out _);
                count += sign * times;
                if (count == 0) counts.Remove(pair);
                ref var where = ref CollectionsMarshal.GetValueRefOrAddDefault(places, pair, out _);
                where ??= [];
                if (sign > 0) where.Add(word);
                else where.Remove(word);
            }
        }
    }
}
