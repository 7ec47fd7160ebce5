using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Documents;

public sealed class SentenceVectorsTests
{
    private static readonly HashedEncoder Encoder = new();

    /// <summary>The plain loops over all elements are the truth.</summary>
    [Fact]
    public void Sparse_EqualsTheFullVectors()
    {
        foreach (var article in new DemoNewswire(3).From().Take(5))
        {
            var sentences = ArticleSentences.Of(Encoder, article.Text);
            var n = sentences.Count;
            var full = new float[n * 768];
            Encoder.Encode([.. sentences.Outlines.Select(outline => outline.Text)], full);
            var dense = new SentenceVectors(n, 768, [], full);
            var sparse = sentences.Vectors;
            Assert.True(sparse.IsSparse);
            Assert.False(dense.IsSparse);
            var other = new float[768];
            Encoder.Encode(new[] { article.Text }, other);
            for (var i = 0; i < n; i++)
            {
                Assert.Equal(full[(i * 768)..((i + 1) * 768)], sparse.Of(i)); // bit by bit
                Assert.Equal(dense.Dot(i, other), sparse.Dot(i, other), 1e-5f);
                var (ofDense, ofSparse) = ((float[])other.Clone(), (float[])other.Clone());
                dense.AddScaled(ofDense, i, 0.7f);
                sparse.AddScaled(ofSparse, i, 0.7f);
                Assert.True(VectorMath.RelativeDistance(ofDense, ofSparse) < 1e-6);
            }
            for (var i = 0; i < n * n; i++) Assert.Equal(dense.Products[i], sparse.Products[i], 1e-5f);
        }
    }

    /// <summary>A reference to before the vector would be left behind, or follow another object, when a collection moves the vector.</summary>
    [Fact]
    public void Dot_IsTheSame_WhileCollectionsMoveTheVector()
    {
        const int n = 40, d = 768;
        int[] places = [.. Enumerable.Range(0, n * d).Where(place => place % 10 == 0)];
        var vectors = new SentenceVectors(n, d, places, [.. places.Select(_ => 1f)], new float[n * n]);
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            var kept = new object[4096];
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                kept[i * 31 % kept.Length] = new byte[100 + i * 37 % 4000];
                if (i % 2_000 == 0) GC.Collect(0);
            }
        });
        collector.Start();
        var wrong = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var vector = new float[d];
            Array.Fill(vector, 1f);
            for (var i = 0; i < n; i++)
            {
                var expected = ((i + 1) * d + 9) / 10 - (i * d + 9) / 10;
                if (vectors.Dot(i, vector) != expected) wrong++;
            }
        }
        stop.Cancel();
        collector.Join();
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Elements_AreKeptWithTheirZeros_OnlyWhereThoseAreFew()
    {
        var dense = SentenceVectors.Of([0.5f, 0.5f, 0, 0.5f, 0.6f, 0, 0.8f, 0], 2, 4);
        var sparse = SentenceVectors.Of([0, 1, 0, 0, 0, 0, 0, 1], 2, 4);
        Assert.False(dense.IsSparse);
        Assert.Equal([1, 7], sparse.Places);
        Assert.Equal([1, 0, 0, 1], sparse.Products);
        Assert.Equal([0, 0, 0, 1], sparse.Of(1));
    }

    [Fact]
    public void SentencesWithoutAWord_AreZero_WhereverTheyStand()
    {
        var vectors = new SentenceVectors(6, 4, [5, 7, 17], [0.5f, 0.25f, 1]);
        Assert.Equal([0, 0.75f, 0, 0, 1, 0], Enumerable.Range(0, 6).Select(i => vectors.Dot(i, [1, 1, 1, 1])));
        Assert.Equal(0.5f, vectors.Products[6 + 4]);
        Assert.Equal([0, 0.3125f, 0, 0, 1, 0], Enumerable.Range(0, 6).Select(i => vectors.Products[7 * i]));
    }

    [Fact]
    public void PlacesOutOfOrder_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => new SentenceVectors(2, 4, [5, 5], [1, 1]));
        Assert.Throws<ArgumentException>(() => new SentenceVectors(2, 4, [1, 8], [1, 1]));
        Assert.Throws<ArgumentException>(() => new SentenceVectors(2, 4, [1], [1, 1]));
        Assert.Throws<ArgumentException>(() => new SentenceVectors(2, 4, [], [1, 1]));
    }
}
