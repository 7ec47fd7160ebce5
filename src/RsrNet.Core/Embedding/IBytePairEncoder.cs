namespace RsrNet.Core.Embedding;

/// <summary>
/// Turns text into the ids of a byte-level byte-pair encoding, cut as GPT-2 cuts it: Core's own, and in the full edition Microsoft.ML.Tokenizers.
/// All give the same ids. Thread-safe.
/// </summary>
internal interface IBytePairEncoder
{
    /// <summary>Adds the ids of a text to a list.</summary>
    /// <param name="text">Without special tokens: their names are text like any other. Half a surrogate pair is U+FFFD.</param>
    /// <param name="most">Once the list has so many ids, the rest of the text need not be read; the list may grow a little beyond.</param>
    void Encode(ReadOnlySpan<char> text, List<int> result, int most);
}
