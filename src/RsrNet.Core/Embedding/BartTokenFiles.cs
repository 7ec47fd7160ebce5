using System.Globalization;
using System.Text.Json;

namespace RsrNet.Core.Embedding;

/// <summary>A tokenizer's files: the ids of tokens and the merges by rank, in either of the two forms they are shipped in.</summary>
/// <param name="Ids">By token, in the byte alphabet; special tokens by their names.</param>
/// <param name="Merges">Lowest rank first.</param>
internal sealed record BartTokenFiles(IReadOnlyDictionary<string, int> Ids, IReadOnlyList<(string Left, string Right)> Merges)
{
    /// <summary>The first ids of fairseq's dictionaries, which no file lists.</summary>
    private static readonly string[] Fairseq = ["<s>", "<pad>", "</s>", "<unk>"];

    /// <summary>
    /// Where BART has its mask, whatever the dictionary's size: dict.txt of GPT-2 is padded beyond it with made-up words.
    /// </summary>
    private const int MaskId = 50264;

    /// <summary>Far above every vocabulary there is; a damaged id should not become an array's length.</summary>
    private const int MostIds = 10_000_000;

    /// <param name="folder">With vocab.json and merges.txt (Hugging Face), or encoder.json, vocab.bpe and dict.txt (fairseq).</param>
    /// <exception cref="FileNotFoundException">Neither is there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message names file, line and problem.</exception>
    public static BartTokenFiles Read(string folder)
    {
        string At(string name) => Path.Combine(folder, name);
        if (File.Exists(At("vocab.json")) && File.Exists(At("merges.txt")))
            return new BartTokenFiles(ReadIds(At("vocab.json")), ReadMerges(At("merges.txt")));
        if (File.Exists(At("encoder.json")) && File.Exists(At("vocab.bpe")) && File.Exists(At("dict.txt")))
            return new BartTokenFiles(Join(ReadIds(At("encoder.json")), At("dict.txt")), ReadMerges(At("vocab.bpe")));
        throw new FileNotFoundException(
            $"{folder}: the tokenizer's files are missing; it needs vocab.json and merges.txt (or fairseq's encoder.json, vocab.bpe and dict.txt)");
    }

    private static Dictionary<string, int> ReadIds(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var ids = JsonSerializer.Deserialize<Dictionary<string, int>>(file) ?? throw new InvalidDataException($"{path}: it holds no tokens");
            foreach (var (token, id) in ids)
            {
                if (id is < 0 or > MostIds)
                    throw new InvalidDataException($"{path}: the token '{token}' has the id {id}, which is not in 0 to {MostIds}");
            }
            return ids;
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: it is not a JSON map of tokens to ids: {exception.Message}", exception);
        }
    }

    /// <summary>A file of merges as GPT-2's merges.txt: two symbols a line, lowest rank first, after a line with the version or none.</summary>
    /// <exception cref="InvalidDataException">A line is something else; the message names it.</exception>
    internal static List<(string Left, string Right)> ReadMerges(string path)
    {
        var merges = new List<(string, string)>(50_000);
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0 || number == 1 && line.StartsWith("#version", StringComparison.Ordinal)) continue;
            if (line.Split(' ') is not [{ Length: > 0 } left, { Length: > 0 } right])
                throw new InvalidDataException($"{path}, line {number}: '{line}' is not two tokens with a blank between");
            merges.Add((left, right));
        }
        return merges;
    }

    /// <summary>fairseq's two steps in one: token to GPT-2's id, and that to 4 + its line in the dictionary.</summary>
    private static Dictionary<string, int> Join(Dictionary<string, int> gpt, string path)
    {
        var names = new Dictionary<string, string>(gpt.Count, StringComparer.Ordinal);
        foreach (var (token, id) in gpt) names[id.ToString(CultureInfo.InvariantCulture)] = token;
        var ids = new Dictionary<string, int>(gpt.Count + 5, StringComparer.Ordinal);
        foreach (var special in Fairseq) ids.Add(special, ids.Count);
        var next = ids.Count;
        foreach (var line in File.ReadLines(path))
        {
            var end = line.LastIndexOf(' ');
            if (end <= 0)
                throw new InvalidDataException($"{path}, line {next - Fairseq.Length + 1}: '{line}' is not a token and its count");
            if (names.TryGetValue(line[..end], out var name)) ids[name] = next;
            next++;
        }
        ids["<mask>"] = Math.Min(next, MaskId);
        return ids;
    }
}
