using Microsoft.ML.Tokenizers;
using RsrNet.Core.Embedding.Vocabularies;

namespace RsrNet.Torch.Embedding;

/// <summary>
/// The pieces of a SentencePiece .model (BPE or unigram), by Microsoft.ML.Tokenizers. Piece p has the number <see cref="SpecialToken.Count"/> + p; the model's
/// unknown, begin and end are those of every vocabulary. It does not grow, and any number of threads may use it.
/// </summary>
public sealed class SentencePieceVocabulary : IVocabulary
{
    public const string Name = "sentence-piece";

    private readonly byte[] model;
    private readonly SentencePieceTokenizer tokenizer;

    private SentencePieceVocabulary(byte[] model, SentencePieceTokenizer tokenizer)
    {
        this.model = model;
        this.tokenizer = tokenizer;
        Count = SpecialToken.Count + tokenizer.Vocabulary.Values.Max() + 1;
    }

    public int Count { get; }

    public VocabularyContent Content => new(Name, [Convert.ToBase64String(model)]);

    /// <param name="model">The file.</param>
    /// <exception cref="InvalidDataException">It is no SentencePiece model.</exception>
    public static IVocabulary Read(byte[] model)
    {
        try
        {
            return new SentencePieceVocabulary(
                model, SentencePieceTokenizer.Create(new MemoryStream(model), addBeginningOfSentence: false, addEndOfSentence: false));
        }
#pragma warning disable CA1031 // the library checks nothing, so damage shows in whatever way it likes
        catch (Exception problem)
        {
            throw new InvalidDataException($"this is no SentencePiece model: {problem.Message}", problem);
        }
#pragma warning restore CA1031
    }

    public void Encode(string text, List<int> tokens)
    {
        foreach (var piece in tokenizer.EncodeToIds(WellFormed.Repair(text) ?? text, addBeginningOfSentence: false, addEndOfSentence: false)) tokens.Add(NumberOf(piece));
    }

    public void Learn(string text)
    {
        // What it does not know stays unknown.
    }

    public string Decode(ReadOnlySpan<int> tokens)
    {
        var parts = new List<string>();
        var pieces = new List<int>();
        foreach (var token in tokens)
        {
            if (token == SpecialToken.Unknown)
            {
                Flush();
                parts.Add(SpecialToken.UnknownText);
            }
            else if (token >= SpecialToken.Count && token < Count) pieces.Add(token - SpecialToken.Count);
        }
        Flush();
        return string.Join(' ', parts);

        void Flush()
        {
            if (pieces.Count > 0) parts.Add(tokenizer.Decode(pieces) ?? "");
            pieces.Clear();
        }
    }

    private int NumberOf(int piece) =>
        piece == tokenizer.UnknownId ? SpecialToken.Unknown
        : piece == tokenizer.BeginningOfSentenceId ? SpecialToken.Begin
        : piece == tokenizer.EndOfSentenceId ? SpecialToken.End
        : SpecialToken.Count + piece;
}
