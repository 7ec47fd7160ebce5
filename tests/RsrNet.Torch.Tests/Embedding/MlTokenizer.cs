using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using RsrNet.Core.Embedding;

namespace RsrNet.Torch.Tests.Embedding;

/// <summary>BART's tokenizer out of the parts of Microsoft.ML.Tokenizers, from the same files as ours.</summary>
internal sealed partial class MlTokenizer
{
    private static readonly string[] Specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];

    private readonly BpeTokenizer tokenizer;
    private readonly int start, end;

    private MlTokenizer(BartTokenFiles files, Func<Dictionary<string, int>, PreTokenizer> cut)
    {
        var specials = Specials.ToDictionary(name => name, name => files.Ids[name]);
        (start, end) = (specials["<s>"], specials["</s>"]);
        tokenizer = BpeTokenizer.Create(new BpeOptions(files.Ids)
        {
            Merges = files.Merges.Select(merge => $"{merge.Left} {merge.Right}"), ByteLevel = true, SpecialTokens = specials,
            PreTokenizer = cut(specials), UnknownToken = "<unk>",
        });
    }

    /// <summary>As its documentation has it: GPT-2's pattern as a regular expression.</summary>
    public static MlTokenizer Open(string folder) =>
        new(BartTokenFiles.Read(folder), specials => new RegexPreTokenizer(Gpt2(), specials));

    /// <summary>With our pieces, so that only merging is its own.</summary>
    public static MlTokenizer OpenWithOurPieces(string folder) => new(BartTokenFiles.Read(folder), _ => new OurPieces());

    public int[] Encode(string text) => [start, .. tokenizer.EncodeToIds(text), end];

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Gpt2();

    private sealed class OurPieces : PreTokenizer
    {
        public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => PreTokenize(text.AsSpan());

        public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
        {
            var pieces = new List<(int, int)>();
            var offset = 0;
            foreach (var piece in new PreTokens(text))
            {
                pieces.Add((offset, piece.Length));
                offset += piece.Length;
            }
            return pieces;
        }
    }
}
