namespace RsrNet.Core.Embedding.Vocabularies;

/// <summary>Text as numbers and back, for models that learn their embeddings themselves. Not thread-safe while it learns.</summary>
public interface IVocabulary
{
    /// <summary>Numbers in use, <see cref="SpecialToken"/>'s included.</summary>
    int Count { get; }

    /// <summary>Adds a text's tokens to a list; what is not known becomes <see cref="SpecialToken.Unknown"/>.</summary>
    void Encode(string text, List<int> tokens);

    /// <summary>Takes in what a text brings: new words or characters, where this vocabulary grows.</summary>
    void Learn(string text);

    /// <summary>The text of some tokens; special ones are left out, but an unknown one is shown.</summary>
    string Decode(ReadOnlySpan<int> tokens);

    /// <summary>Everything it knows, for a checkpoint.</summary>
    VocabularyContent Content { get; }
}

/// <summary>What a vocabulary is made of. Tokens are in the order of their numbers, behind <see cref="SpecialToken"/>'s.</summary>
/// <param name="Kind">words, characters, byte-pairs or sentence-piece.</param>
/// <param name="Tokens">Words or characters; of byte pairs the merges, both sides parted by a blank; of SentencePiece its .model, in base64.</param>
/// <param name="Candidates">Words seen too rarely to have a number, with their counts.</param>
public sealed record VocabularyContent(string Kind, IReadOnlyList<string> Tokens, IReadOnlyDictionary<string, int>? Candidates = null);

/// <summary>Reads a SentencePiece .model; the full edition brings one.</summary>
/// <param name="model">The file, or what a checkpoint kept of it.</param>
/// <returns>A vocabulary that does not grow, for any number of threads.</returns>
/// <exception cref="InvalidDataException">It is no such model.</exception>
public delegate IVocabulary ReadSentencePiece(byte[] model);

/// <summary>The first numbers of every vocabulary.</summary>
public static class SpecialToken
{
    public const int Padding = 0, Unknown = 1, Begin = 2, End = 3;

    public const int Count = 4;

    public const string UnknownText = "<unk>";
}
