namespace RsrNet.Core.Embedding;

/// <summary>
/// Turns texts into fixed vectors. Pure: the same text gives the same vector, alone or in a batch. Safe to call from many threads.
/// </summary>
public interface ITextEncoder
{
    /// <summary>
    /// Name and revision, such as <c>hashed-768-1</c>. Kept with every document and weight version; vectors of two identities are never
    /// mixed.
    /// </summary>
    string Id { get; }

    /// <summary>d, the width of an embedding.</summary>
    int Dimensions { get; }

    /// <summary>
    /// Whether one call uses all cores. Such an encoder wants many texts in a call; any other wants calls from many threads.
    /// </summary>
    bool UsesAllCores => false;

    /// <summary>Tokens of a text as they are embedded; null where the encoder knows no tokens.</summary>
    int? CountTokens(string text) => null;

    /// <summary>Embeds B texts.</summary>
    /// <param name="texts">
    /// B texts; an empty one has a vector too: zero where it is made of words, that of the marks around a text in BART.
    /// </param>
    /// <param name="embeddings">[B, d], row-major; overwritten.</param>
    /// <exception cref="ArgumentException">The destination is not B * d long.</exception>
    void Encode(ReadOnlySpan<string> texts, Span<float> embeddings);
}
