using RsrNet.Core.Embedding;

namespace RsrNet.Core.Tests.Embedding;

public sealed class CachedEncoderTests
{
    [Fact]
    public void Encode_TextSeenBefore_IsNotComputedAgain()
    {
        var counting = new CountingEncoder();
        using var cached = new CachedEncoder(counting, 10);
        var first = Encode(cached, "a", "bb", "a");
        Assert.Equal([1f, 2, 1], first);
        Assert.Equal(["a", "bb"], counting.Seen);
        Assert.Equal([2f, 3, 1], Encode(cached, "bb", "ccc", "a"));
        Assert.Equal(["a", "bb", "ccc"], counting.Seen);
    }

    [Fact]
    public void Encode_MoreTextsThanFit_ForgetsTheOneNotAskedForLongest()
    {
        var counting = new CountingEncoder();
        using var cached = new CachedEncoder(counting, 2);
        Encode(cached, "a");
        Encode(cached, "bb");
        Encode(cached, "a");
        Encode(cached, "ccc");
        counting.Seen.Clear();
        Encode(cached, "a", "ccc");
        Assert.Empty(counting.Seen);
        Assert.Equal([2f], Encode(cached, "bb"));
        Assert.Equal(["bb"], counting.Seen);
    }

    [Fact]
    public void Encode_ManyThreadsAndASmallCache_GiveTheRightVectors()
    {
        using var cached = new CachedEncoder(new CountingEncoder(), 5);
        Parallel.For(0, 2000, i => Assert.Equal([(float)(i % 17), (i % 5)], Encode(cached, new string('x', i % 17), new string('y', i % 5))));
    }

    [Fact]
    public void Encode_EncoderFails_NothingIsRemembered()
    {
        var counting = new CountingEncoder { Broken = true };
        using var cached = new CachedEncoder(counting, 10);
        Assert.Throws<InvalidOperationException>(() => Encode(cached, "a"));
        counting.Broken = false;
        Assert.Equal([1f], Encode(cached, "a"));
    }

    private static float[] Encode(CachedEncoder encoder, params string[] texts)
    {
        var vectors = new float[texts.Length];
        encoder.Encode(texts, vectors);
        return vectors;
    }

    /// <summary>A text's vector is its length.</summary>
    private sealed class CountingEncoder : ITextEncoder
    {
        public List<string> Seen { get; } = [];

        public bool Broken { get; set; }

        public string Id => "length";

        public int Dimensions => 1;

        public void Encode(ReadOnlySpan<string> texts, Span<float> embeddings)
        {
            if (Broken) throw new InvalidOperationException("broken");
            for (var i = 0; i < texts.Length; i++) embeddings[i] = texts[i].Length;
            lock (Seen) Seen.AddRange(texts);
        }
    }
}
