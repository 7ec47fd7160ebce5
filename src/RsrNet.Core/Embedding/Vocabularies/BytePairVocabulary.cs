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
        // In the order of the text, so that ties are always broken alike.
        var pieces = words.Select(word => (Symbols: Spell(word.Key), Count: word.Value)).ToList();
        var merges = new List<string>();
        while (SpecialToken.Count + 256 + merges.Count < size && MostFrequent(pieces) is { } best)
        {
            merges.Add($"{best.Left} {best.Right}");
            foreach (var (symbols, _) in pieces) Merge(symbols, best.Left, best.Right);
        }
        return new BytePairVocabulary(merges);
    }

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

    private static (string Left, string Right)? MostFrequent(List<(List<string> Symbols, int Count)> pieces)
    {
        var counts = new Dictionary<(string, string), int>();
        foreach (var (symbols, count) in pieces)
        {
            for (var i = 0; i + 1 < symbols.Count; i++)
                CollectionsMarshal.GetValueRefOrAddDefault(counts, (symbols[i], symbols[i + 1]), out _) += count;
        }
        (string, string)? best = null;
        var most = 1;
        foreach (var (pair, count) in counts)
        {
            if (count > most) (best, most) = (pair, count);
        }
        return best;
    }

    private static void Merge(List<string> symbols, string left, string right)
    {
        for (var i = 0; i + 1 < symbols.Count; i++)
        {
            if (symbols[i] != left || symbols[i + 1] != right) continue;
            symbols[i] = left + right;
            symbols.RemoveAt(i + 1);
        }
    }
}
