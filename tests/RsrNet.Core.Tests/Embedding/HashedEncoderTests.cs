using RsrNet.Core.Articles;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Embedding;

public class HashedEncoderTests
{
    private static readonly HashedEncoder Encoder = new();

    /// <summary>
    /// Stored vectors are made of these bits. The figures come from a second implementation (in Python, from the description in the docstrings): the first
    /// non-zero element with its place, and FNV-1a over the 3,072 bytes.
    /// </summary>
    [Theory]
    [InlineData("Hello, world!", 95, 0.18391692638397217f, 0xCB1E8FD56B6DB1C9)]
    [InlineData("The Senate passed the budget on Friday.", 9, -0.027048632502555847f, 0xD847A87BF10E3195)]
    [InlineData("Don't panic: Obama's plan was OBAMA’S", 50, 0.2580794394016266f, 0x1840EB1150D50BD5)]
    [InlineData("ÜNÏTED Straße 42nd", 141, 0.28867512941360474f, 0xC1481F3687706AA5)]
    [InlineData("東京 Tokyo 😀", 12, 0.3016034662723541f, 0xF4A75D41C2A90625)]
    public void Vector_IsTheSameBitsEverywhere(string text, int place, float element, ulong checksum)
    {
        var vector = Encode(text);
        Assert.Equal(place, vector.AsSpan().IndexOfAnyExcept(0f));
        Assert.Equal(element, vector[place]);
        var hash = 14695981039346656037UL;
        foreach (var value in vector)
        {
            foreach (var part in BitConverter.GetBytes(value)) hash = (hash ^ part) * 1099511628211;
        }
        Assert.Equal(checksum, hash);
    }

    [Fact]
    public void Identity_IsPinned()
    {
        Assert.Equal("hashed-768-1", Encoder.Id);
        Assert.Equal(768, Encoder.Dimensions);
    }

    [Fact]
    public void Batch_EqualsEachTextAlone()
    {
        string[] texts = [.. new DemoNewswire(5).From().Take(40).Select(article => article.Text), "", "word"];
        var batch = new float[texts.Length * 768];
        Encoder.Encode(texts, batch);
        for (var i = 0; i < texts.Length; i++) Assert.Equal(Encode(texts[i]), batch.AsSpan(i * 768, 768).ToArray());
    }

    [Fact]
    public void ManyThreads_GiveTheSameVectors()
    {
        string[] texts = [.. new DemoNewswire(6).From().Take(64).Select(article => article.Text)];
        var alone = texts.Select(Encode).ToArray();
        Parallel.For(0, 256, new ParallelOptions { CancellationToken = TestContext.Current.CancellationToken }, i => Assert.Equal(alone[i % 64], Encode(texts[i % 64])));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n ")]
    [InlineData("?! ... -- 😀❤️👍🏽")]
    public void TextWithoutWords_IsTheZeroVector(string text)
    {
        var vector = new float[768];
        vector.AsSpan().Fill(7);
        Encoder.Encode([text], vector);
        Assert.False(vector.AsSpan().ContainsAnyExcept(0f));
    }

    [Theory]
    [InlineData("The Cat", "the cat")]
    [InlineData("cat dog", "dog, cat!")]
    [InlineData("James' dog's", "james dog")]
    [InlineData("can’t", "cant")]
    [InlineData("ΑΘΗΝΑ МОСКВА", "αθηνα москва")]
    public void CasePunctuationAndOrder_DoNotMatter(string one, string other)
    {
        Assert.Equal(Encode(one), Encode(other));
    }

    [Theory]
    [InlineData("cat", "dog")]
    [InlineData("well-known", "wellknown")]
    [InlineData("one two", "one two two")]
    public void OtherWordsOrCounts_Matter(string one, string other)
    {
        Assert.NotEqual(Encode(one), Encode(other));
    }

    [Fact]
    public void Length_IsOne()
    {
        foreach (var article in new DemoNewswire(8).From().Take(50)) Assert.Equal(1, Encode(article.Text).Sum(value => (double)value * value), 1e-6);
    }

    [Fact]
    public void RareWords_WeighMoreThanCommonOnes()
    {
        var rare = VectorMath.Cosine(Encode("the zyzzyva"), Encode("zyzzyva"));
        var common = VectorMath.Cosine(Encode("the zyzzyva"), Encode("the"));
        Assert.True(rare > 0.99 && common < 0.1, $"{rare} {common}");
    }

    [Fact]
    public void HugeAndHostileTexts_AreEncoded()
    {
        var many = string.Join(' ', Enumerable.Range(0, 60_000).Select(i => $"w{i}"));
        Assert.Equal(1, Encode(many).Sum(value => (double)value * value), 1e-5);
        Assert.True(Encode(new string('x', 1_000_000)).AsSpan().ContainsAnyExcept(0f));
        Assert.True(Encode("broken \uD83D pair \uDC00 'quotes' it’").AsSpan().ContainsAnyExcept(0f));
        Assert.Equal(Encode("after"), Encode("after"));
    }

    [Fact]
    public void WrongDestination_IsRefusedWithSizes()
    {
        var error = Assert.Throws<ArgumentException>(() => Encoder.Encode(["a", "b"], new float[768]));
        Assert.Contains("2 texts need 1536 floats, the destination has 768", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Article_IsTitleAndText_AndHighlightsJoined()
    {
        var bare = new Article("a", "Some text.");
        var whole = bare with { Title = "A title", Highlights = ["First point", "second point"] };
        Assert.Equal(Encode("Some text."), Encoder.Embed(bare).X);
        Assert.Null(Encoder.Embed(bare).T);
        var both = Encoder.Embed([whole, bare, whole]);
        Assert.Equal(Encode("A title\nSome text."), both[0].X);
        Assert.Equal(Encode("First point second point"), both[0].T);
        Assert.Equal(Encode("Some text."), both[1].X);
        Assert.Equal(both[0].T, both[2].T);
        Assert.Equal("hashed-768-1", both[1].EncoderId);
        Assert.Empty(Encoder.Embed([]));
    }

    private static float[] Encode(string text)
    {
        var vector = new float[768];
        Encoder.Encode([text], vector);
        return vector;
    }
}
