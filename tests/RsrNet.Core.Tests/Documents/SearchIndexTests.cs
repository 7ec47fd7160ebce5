using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Documents;

public sealed class SearchIndexTests : IDisposable
{
    private const int D = 37;

    private readonly SearchIndex _index = new(D);

    public void Dispose() => _index.Dispose();

    [Fact]
    public void Search_EqualsSortingEveryCosine()
    {
        var random = new Random(1);
        var vectors = new Dictionary<string, float[]>();
        for (var i = 0; i < 3000; i++) Put(vectors, $"d{i}", Vector(random));
        for (var i = 0; i < 3000; i += 3) Put(vectors, $"d{i}", Vector(random));
        for (var i = 1; i < 3000; i += 3)
        {
            Assert.True(_index.Remove($"d{i}"));
            vectors.Remove($"d{i}");
        }
        Assert.Equal(2000, _index.Count);
        for (var round = 0; round < 5; round++)
        {
            var query = Vector(random);
            var expected = vectors.OrderByDescending(pair => Exact(query, pair.Value)).Take(12).ToList();
            var hits = _index.Search(query, 12);
            Assert.Equal(expected.Select(pair => pair.Key), hits.Select(hit => hit.Id));
            Assert.All(hits, hit => Assert.Equal(Exact(query, vectors[hit.Id]), hit.Score, 1e-5));
            Assert.All(hits, hit => Assert.Equal("title of " + hit.Id, hit.Title));
        }
    }

    [Fact]
    public void Removed_IsGone_AndCanComeBack()
    {
        var vector = Vector(new Random(2));
        _index.Put("a", null, vector);
        Assert.True(_index.TryGet("a", out var stored));
        Assert.Equal(1, Math.Sqrt(stored.Sum(value => value * value)), 1e-5);
        Assert.True(_index.Remove("a"));
        Assert.False(_index.Remove("a"));
        Assert.False(_index.TryGet("a", out _));
        Assert.Empty(_index.Search(vector, 5));
        _index.Put("a", "again", vector);
        Assert.Equal("again", Assert.Single(_index.Search(vector, 5)).Title);
    }

    [Fact]
    public void ExceptAndTies_AreRespected()
    {
        var vector = Vector(new Random(3));
        foreach (var id in new[] { "c", "a", "d", "b" }) _index.Put(id, null, vector);
        Assert.Equal(["a", "b"], _index.Search(vector, 2).Select(hit => hit.Id));
        Assert.Equal(["b", "c", "d"], _index.Search(vector, 9, except: "a").Select(hit => hit.Id));
        Assert.Equal(4, _index.Search(vector, 9, except: "unknown").Count);
    }

    [Fact]
    public void ZeroVectors_HaveScoreZero()
    {
        _index.Put("zero", null, new float[D]);
        Assert.Equal(0, Assert.Single(_index.Search(Vector(new Random(4)), 1)).Score);
        Assert.Equal(0, Assert.Single(_index.Search(new float[D], 1)).Score);
    }

    [Fact]
    public void WrongVectors_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => _index.Put("a", null, new float[D + 1]));
        Assert.Throws<ArgumentException>(() => _index.Search(new float[D - 1], 1));
        var bad = new float[D];
        bad[3] = float.NaN;
        Assert.Contains("'a'", Assert.Throws<ArgumentException>(() => _index.Put("a", null, bad)).Message, StringComparison.Ordinal);
        Assert.Equal(0, _index.Count);
    }

    [Fact]
    public void ReadersAndWriters_SeeWholeDocuments()
    {
        // Every vector has one element 1; a torn read would give a score that is neither 0 nor 1.
        Parallel.For(0, 4000, new ParallelOptions { CancellationToken = TestContext.Current.CancellationToken }, i =>
        {
            var vector = new float[D];
            vector[i % D] = 3;
            if (i % 4 == 0) Assert.All(_index.Search(vector, 5), hit => Assert.True(hit.Score is 0 or 1));
            else if (i % 4 == 1) _index.Remove($"d{i % 400 + 1}");
            else _index.Put($"d{i % 400}", null, vector);
        });
        Assert.InRange(_index.Count, 1, 400);
    }

    [Fact]
    public void SearchVector_LeansOnTheArticle()
    {
        float[] x = [3, 0], y = [0, 0.5f];
        Assert.Equal([1, 0], SearchVector.Of(x, default));
        Assert.Equal([1, 0], SearchVector.Of(x, new float[2]));
        Assert.Equal([1, 0], SearchVector.Of(x, [float.NaN, 1]));
        var both = SearchVector.Of(x, y);
        Assert.Equal(2 / Math.Sqrt(5), both[0], 1e-6);
        Assert.Equal(1 / Math.Sqrt(5), both[1], 1e-6);
        Assert.Equal([0, 0], SearchVector.Of(new float[2], default));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(64)]
    [InlineData(131)]
    [InlineData(768)]
    public void Dot_EqualsPlainSum(int length)
    {
        var random = new Random(length);
        float[] a = [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)], b = [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)];
        Assert.Equal(a.Zip(b, (left, right) => (double)left * right).Sum(), VectorMath.Dot(a, b), 1e-5);
    }

    [Fact]
    public void Cosine_IsBounded_AndZeroForZero()
    {
        float[] a = [1, 2, 3];
        Assert.Equal(1, VectorMath.Cosine(a, [2, 4, 6]));
        Assert.Equal(-1, VectorMath.Cosine(a, [-2, -4, -6]));
        Assert.Equal(0, VectorMath.Cosine(a, [0, 0, 0]));
        Assert.Throws<ArgumentException>(() => VectorMath.Cosine(a, [1, 2]));
    }

    private void Put(Dictionary<string, float[]> vectors, string id, float[] vector)
    {
        vectors[id] = vector;
        _index.Put(id, "title of " + id, vector);
    }

    private static float[] Vector(Random random) => [.. Enumerable.Range(0, D).Select(_ => random.NextSingle() * 2 - 1)];

    private static double Exact(float[] a, float[] b) =>
        a.Zip(b, (left, right) => (double)left * right).Sum() / Math.Sqrt(a.Sum(value => (double)value * value) * b.Sum(value => (double)value * value));
}
