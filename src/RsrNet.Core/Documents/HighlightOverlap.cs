namespace RsrNet.Core.Documents;

/// <summary>How much of a sentence stands in an article's highlights: the readout's target.</summary>
public sealed class HighlightOverlap
{
    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly int[] highlights;

    public HighlightOverlap(IReadOnlyList<string> highlights) => this.highlights = Tokens(string.Join(' ', highlights));

    /// <summary>Share of the sentence's words, and of its pairs of neighbouring words, that the highlights have; the sum is in [0, 2].</summary>
    /// <remarks>Precision, not F1 or recall: a long sentence shall not win by its length, which the summary's three places do not charge for.</remarks>
    public double Of(string sentence)
    {
        var words = Tokens(sentence);
        return Rouge.Grams(words, highlights, 1).Precision + Rouge.Grams(words, highlights, 2).Precision;
    }

    private int[] Tokens(string text) => Rouge.Tokens(text, numbers.GetAlternateLookup<ReadOnlySpan<char>>());
}
