using Microsoft.ML.Tokenizers;
using RsrNet.Core.Embedding;

namespace RsrNet.Torch.Embedding;

/// <summary>
/// BART's byte pairs by Microsoft.ML.Tokenizers. By itself it would see a few odd texts otherwise than Hugging Face's tokenizer, so the text is cut
/// into pieces by Core's cut, not by a regular expression, which sees no letter beyond U+FFFF; half a surrogate pair becomes U+FFFD before,
/// where it would write bytes that UTF-8 forbids; and special tokens, with the blanks that a mask takes, never reach it.
/// </summary>
public sealed class MlTokenizer : IBytePairEncoder
{
    /// <summary>
    /// Characters of a piece that are still merged there: it takes n squared steps for n of them. Longer ones, which no language has, are merged by Core.
    /// </summary>
    private const int LongestPiece = 128;

    /// <summary>Characters that it gets at a time, to whole pieces: so much of a text beyond its limit is read in vain.</summary>
    private const int Portion = 2048;

    private readonly BpeTokenizer tokenizer;
    private readonly IBytePairEncoder core;

    private MlTokenizer(BartTokenFiles files, IBytePairEncoder core)
    {
        this.core = core;
        tokenizer = BpeTokenizer.Create(new BpeOptions(files.Ids)
        {
            Merges = files.Merges.Select(merge => $"{merge.Left} {merge.Right}"),
            ByteLevel = true,
            PreTokenizer = new Pieces(),
            UnknownToken = "<unk>",
        });
    }

    /// <inheritdoc cref="BartTokenizer.Open(string)"/>
    public static BartTokenizer Open(string folder) => BartTokenizer.Open(folder, static (files, core) => new MlTokenizer(files, core));

    void IBytePairEncoder.Encode(ReadOnlySpan<char> text, List<int> result, int most)
    {
        int from = 0, at = 0;
        foreach (var piece in new PreTokens(text))
        {
            if (piece.Length > LongestPiece)
            {
                Encode(text[from..at], result);
                if (result.Count < most) core.Encode(piece, result, most);
                from = at + piece.Length;
            }
            at += piece.Length;
            if (at - from >= Portion)
            {
                Encode(text[from..at], result);
                from = at;
            }
            if (result.Count >= most) return;
        }
        Encode(text[from..], result);
    }

    private void Encode(ReadOnlySpan<char> text, List<int> result)
    {
        if (!text.IsEmpty) result.AddRange(WellFormed.Repair(text) is { } repaired ? tokenizer.EncodeToIds(repaired) : tokenizer.EncodeToIds(text));
    }

    /// <summary>Core's cut.</summary>
    private sealed class Pieces : PreTokenizer
    {
        public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => PreTokenize(text.AsSpan());

        public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
        {
            var pieces = new List<(int, int)>(text.Length / 4);
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
