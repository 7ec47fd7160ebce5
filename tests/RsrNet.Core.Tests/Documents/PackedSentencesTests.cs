using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;

namespace RsrNet.Core.Tests.Documents;

public sealed class PackedSentencesTests
{
    [Fact]
    public void Unpacked_IsWhatWasPacked_BitByBit()
    {
        var sentences = ArticleSentences.Of(new HashedEncoder(), "The ferry sailed again on Monday. About 300 people came to the pier. It rained.");
        var unpacked = new PackedSentences(sentences).Unpack();
        Assert.Equal(sentences.Vectors.Places, unpacked.Vectors.Places);
        Assert.Equal(sentences.Vectors.Values, unpacked.Vectors.Values);
        Assert.Equal(sentences.Products, unpacked.Products);
        Assert.Equal(sentences.Outlines, unpacked.Outlines);
        Assert.Equal(sentences.Dimensions, unpacked.Dimensions);
    }

    [Fact]
    public void NoSentence_StaysNone() => Assert.Equal(0, new PackedSentences(new ArticleSentences([], new SentenceVectors(0, 4, [], []))).Unpack().Count);
}
