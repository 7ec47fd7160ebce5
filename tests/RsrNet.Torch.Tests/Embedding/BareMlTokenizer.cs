using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using RsrNet.Core.Embedding;

namespace RsrNet.Torch.Tests.Embedding;

/// <summary>BART's tokenizer out of the parts of Microsoft.ML.Tokenizers as its documentation has it, with nothing of ours around it.</summary>
internal sealed partial class BareMlTokenizer
{
    private static readonly string[] Specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];

    private readonly BpeTokenizer tokenizer;
    private readonly int start, end;

    private BareMlTokenizer(BartTokenFiles files)
    {
        var specials = Specials.ToDictionary(name => name, name => files.Ids[name]);
        (start, end) = (specials["<s>"], specials["</s>"]);
        tokenizer = BpeTokenizer.Create(new BpeOptions(files.Ids)
        {
            Merges = files.Merges.Select(merge => $"{merge.Left} {merge.Right}"), ByteLevel = true, SpecialTokens = specials,
            PreTokenizer = new RegexPreTokenizer(Gpt2(), specials), UnknownToken = "<unk>",
        });
    }

    public static BareMlTokenizer Open(string folder) => new(BartTokenFiles.Read(folder));

    public int[] Encode(string text) => [start, .. tokenizer.EncodeToIds(text), end];

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Gpt2();
}
