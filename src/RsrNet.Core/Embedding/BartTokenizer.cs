using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace RsrNet.Core.Embedding;

/// <summary>
/// BART's byte-level byte-pair encoding, with the ids that Hugging Face's BartTokenizer gives: <c>&lt;s&gt;</c>, the text,
/// <c>&lt;/s&gt;</c>. As there, a special token that is written in the text is that token, and <c>&lt;mask&gt;</c> takes the blanks before
/// it. Half a surrogate pair, which no UTF-8 can hold, is U+FFFD. Thread-safe.
/// <para>
/// What stands between special tokens is encoded by an <see cref="IBytePairEncoder"/>: by Core's own, or by that of the full edition.
/// </para>
/// </summary>
public sealed class BartTokenizer
{
    /// <summary>Tokens of a text that are kept unless told otherwise, with the two around it: the notebook's truncation.</summary>
    public const int DefaultLimit = 512;

    private readonly BytePairMerges merges;
    private readonly int[] ids;
    private readonly (string Name, int Id)[] specials;

    private BartTokenizer(BartTokenFiles files, Func<BartTokenFiles, IBytePairEncoder, IBytePairEncoder>? create)
    {
        int Special(string name) => files.Ids.TryGetValue(name, out var id)
            ? id : throw new InvalidDataException($"the vocabulary lacks the token {name}: this is not a tokenizer of BART");
        Start = Special("<s>");
        Padding = Special("<pad>");
        End = Special("</s>");
        var unknown = Special("<unk>");
        specials = [("<s>", Start), ("<pad>", Padding), ("</s>", End), ("<unk>", unknown), (MaskName, Special(MaskName))];
        Size = files.Ids.Values.Max() + 1;
        merges = new BytePairMerges(files.Merges);
        ids = [.. merges.Symbols.Select(symbol => files.Ids.GetValueOrDefault(symbol, unknown))];
        var core = new BytePairEncoder(merges, ids);
        Pairs = create?.Invoke(files, core) ?? core;
    }

    private const string MaskName = "<mask>";

    /// <summary>The id before every text.</summary>
    public int Start { get; }

    /// <summary>The id that fills a batch up.</summary>
    public int Padding { get; }

    /// <summary>The id behind every text.</summary>
    public int End { get; }

    /// <summary>One more than the largest id.</summary>
    public int Size { get; }

    /// <summary>What encodes the text between special tokens.</summary>
    internal IBytePairEncoder Pairs { get; }

    /// <param name="folder">With vocab.json and merges.txt (Hugging Face), or encoder.json, vocab.bpe and dict.txt (fairseq).</param>
    /// <exception cref="FileNotFoundException">Neither is there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message names file and problem.</exception>
    public static BartTokenizer Open(string folder) => Open(folder, null);

    /// <param name="create">Makes another encoder out of the files and Core's; null for Core's.</param>
    /// <inheritdoc cref="Open(string)"/>
    internal static BartTokenizer Open(string folder, Func<BartTokenFiles, IBytePairEncoder, IBytePairEncoder>? create)
    {
        var files = BartTokenFiles.Read(folder);
        try
        {
            return new BartTokenizer(files, create);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{folder}: {exception.Message}", exception);
        }
    }

    /// <summary>The ids of a text.</summary>
    /// <param name="limit">At most so many ids, at least 2; what is over falls off the text's end.</param>
    public int[] Encode(ReadOnlySpan<char> text, int limit = DefaultLimit)
    {
        var result = new List<int>(Math.Min(limit, 2 + text.Length));
        Encode(text, result, limit);
        return [.. result];
    }

    /// <summary>Adds the ids of a text to a list.</summary>
    /// <param name="limit">
    /// At most so many ids, at least 2; what is over falls off the text's end. The text is only read as far as that needs.
    /// </param>
    public void Encode(ReadOnlySpan<char> text, List<int> result, int limit = DefaultLimit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 2);
        var most = result.Count > int.MaxValue - limit ? int.MaxValue : result.Count + limit - 1;
        result.Add(Start);
        for (var rest = text; !rest.IsEmpty && result.Count < most;)
        {
            var plain = NextSpecial(rest, out var special, out var length);
            var before = special == MaskName ? rest[..plain].TrimEnd() : rest[..plain];
            Pairs.Encode(before, result, most);
            if (special is not null) result.Add(Array.Find(specials, entry => entry.Name == special).Id);
            rest = rest[(plain + length)..];
        }
        if (result.Count > most) CollectionsMarshal.SetCount(result, most);
        result.Add(End);
    }

    /// <summary>Adds everything that decides about ids to a hash.</summary>
    internal void AppendTo(IncrementalHash hash)
    {
        foreach (var symbol in merges.Symbols) hash.AppendData(Encoding.UTF8.GetBytes(symbol + "\n"));
        hash.AppendData(MemoryMarshal.AsBytes(ids.AsSpan()));
        foreach (var (name, id) in specials) hash.AppendData(Encoding.UTF8.GetBytes($"{name} {id}\n"));
    }

    /// <returns>Where the next special token begins; the text's length where there is none.</returns>
    private int NextSpecial(ReadOnlySpan<char> text, out string? special, out int length)
    {
        special = null;
        length = 0;
        for (var from = 0; text[from..].IndexOf('<') is var offset and >= 0; from += offset + 1)
        {
            var at = from + offset;
            foreach (var (name, _) in specials)
            {
                if (!text[at..].StartsWith(name, StringComparison.Ordinal)) continue;
                special = name;
                length = name.Length;
                return at;
            }
        }
        return text.Length;
    }
}
