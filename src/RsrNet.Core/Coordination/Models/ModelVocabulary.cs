using RsrNet.Core.Embedding.Vocabularies;

namespace RsrNet.Core.Coordination.Models;

/// <summary>Makes the vocabulary that a model's options ask for.</summary>
internal static class ModelVocabulary
{
    /// <summary>Most numbers that byte pairs are given; more of them gain nothing.</summary>
    private const int MostPairs = 4_000;

    /// <summary>What the options' file holds.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    /// <exception cref="IOException">It cannot be read, or this edition reads none of its kind.</exception>
    public static VocabularyContent ReadFile(ModelOptions options, ReadSentencePiece? readSentencePiece) =>
        options.Vocabulary == VocabularyKind.SentencePiece
            ? Read(readSentencePiece, File.ReadAllBytes(options.VocabularyFile)).Content
            : BytePairVocabulary.Read(options.VocabularyFile).Content;

    /// <summary>A new one, which learns or has learned from texts.</summary>
    /// <param name="texts">From which byte pairs are learned; others learn as they go.</param>
    public static IVocabulary Begin(ModelOptions options, IReadOnlyList<string> texts) => options.Vocabulary switch
    {
        VocabularyKind.BytePairs => BytePairVocabulary.Train(texts, Math.Min(options.VocabularyLimit, MostPairs)),
        _ => Create(options, null, null),
    };

    /// <summary>One that goes on from what another knew; where that is null, one that knows nothing.</summary>
    /// <exception cref="InvalidDataException">The content is damaged.</exception>
    /// <exception cref="IOException">This edition reads none of its kind.</exception>
    public static IVocabulary Create(ModelOptions options, VocabularyContent? content, ReadSentencePiece? readSentencePiece) => options.Vocabulary switch
    {
        VocabularyKind.Words => new WordVocabulary(options.MinimumCount, options.VocabularyLimit, content),
        VocabularyKind.Characters => new CharacterVocabulary(options.MinimumCount, options.VocabularyLimit, content),
        VocabularyKind.SentencePiece => Read(readSentencePiece, ModelOf(content)),
        _ => new BytePairVocabulary(content?.Tokens ?? []),
    };

    private static IVocabulary Read(ReadSentencePiece? read, byte[] model) =>
        read?.Invoke(model) ?? throw new IOException("a vocabulary of SentencePiece can be read by the full edition alone (./rsrnet --edition full)");

    private static byte[] ModelOf(VocabularyContent? content)
    {
        try
        {
            return Convert.FromBase64String(content?.Tokens is [var model] ? model : "?");
        }
        catch (FormatException problem)
        {
            throw new InvalidDataException("the vocabulary is no SentencePiece model in base64", problem);
        }
    }
}
