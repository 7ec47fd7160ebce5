namespace RsrNet.Core.Embedding;

/// <summary>An encoder most of whose elements are zero for a text as short as a sentence.</summary>
public interface ISparseEncoder : ITextEncoder
{
    /// <summary>Appends the elements of a text's vector that are not zero: the same bits as <see cref="ITextEncoder.Encode"/> gives.</summary>
    /// <param name="places">Their indices in ascending order, each plus <paramref name="offset"/>.</param>
    /// <param name="values">The elements, in the same order.</param>
    void EncodeSparse(ReadOnlySpan<char> text, int offset, List<int> places, List<float> values);
}
