using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Replicas;

public sealed class ResidualEngineTests
{
    private static readonly RecursionOptions Depth = new() { Calls = 3, LatentRecursions = 1 };

    public static TheoryData<string> ParameterNames => [.. ParameterLayout.Of(TinyNews.Shape).Parameters.Select(slot => slot.Name)];

    [Theory]
    [MemberData(nameof(ParameterNames))]
    public void Train_GradientEqualsFiniteDifference(string name)
    {
        var weights = TinyNews.Weights();
        var slot = weights.Layout.Parameters[weights.Layout.IndexOfParameter(name)];
        var gradient = new float[weights.Layout.ParameterCount];
        Loss(weights, Depth, gradient);
        var largest = 0.0;
        for (var i = slot.Offset; i < slot.Offset + slot.Length; i++)
        {
            const float step = 1e-4f; // small, because a ReLU may open or close on the way
            var (up, down) = (weights.Clone(), weights.Clone());
            up.Parameters[i] += step;
            down.Parameters[i] -= step;
            var difference = (Loss(up, Depth) - Loss(down, Depth)) / ((double)up.Parameters[i] - down.Parameters[i]);
            Assert.Equal(difference, gradient[i], 2e-5);
            largest = Math.Max(largest, Math.Abs(difference));
        }
        Assert.True(largest > 1e-4, $"largest difference {largest}");
    }

    [Fact]
    public void Train_ThreeLatentRecursions_GradientOnlyThroughTheLast()
    {
        var weights = TinyNews.Weights();
        var gradient = new float[weights.Layout.ParameterCount];
        Loss(weights, Depth with { LatentRecursions = 3 }, gradient);

        using var before = new ResidualEngine(TinyNews.Shape, Depth with { LatentRecursions = 2 });
        before.Load(weights);
        var held = TinyNews.Batch(TinyNews.Articles());
        before.Refine(held);
        using var last = new ResidualEngine(TinyNews.Shape, Depth);
        last.Load(weights);
        var expected = new float[gradient.Length];
        last.Train(held, expected);
        for (var i = 0; i < gradient.Length; i++) Assert.Equal(expected[i], gradient[i], 1e-5f);
    }

    /// <summary>y carries all that the recursion knows of itself: one step of two calls is two steps of one.</summary>
    [Fact]
    public void Refine_TwoStepsOfOneCall_EqualOneStepOfTwo()
    {
        var weights = TinyNews.Weights();
        using var one = new ResidualEngine(TinyNews.Shape, Depth with { Calls = 1 });
        using var two = new ResidualEngine(TinyNews.Shape, Depth with { Calls = 2 });
        one.Load(weights);
        two.Load(weights);
        var (first, second) = (TinyNews.Batch(TinyNews.Articles()), TinyNews.Batch(TinyNews.Articles()));
        one.Refine(first);
        var before = (float[])first.Y.Clone();
        one.Refine(first);
        two.Refine(second);
        for (var i = 0; i < first.Y.Length; i++) Assert.Equal(second.Y[i], first.Y[i], 1e-5f);
        for (var i = 0; i < first.Z.Length; i++) Assert.Equal(second.Z[i], first.Z[i], 1e-5f);
        Assert.True(VectorMath.RelativeDistance(first.Y, before) > 1e-3, "the second call should have moved y");
    }

    [Fact]
    public void Refine_RowAlone_EqualsTheRowInABatch()
    {
        using var engine = new ResidualEngine(TinyNews.Shape, Depth);
        engine.Load(TinyNews.Weights());
        var articles = TinyNews.Articles();
        var together = TinyNews.Batch(articles);
        engine.Refine(together);
        for (var row = 0; row < articles.Count; row++)
        {
            var alone = TinyNews.Batch([articles[row]]);
            engine.Refine(alone);
            Assert.Equal(together.Y.AsSpan(row * 16, 16).ToArray(), alone.Y);
            Assert.Equal(together.Z.AsSpan(row * 4, 4).ToArray(), alone.Z);
            Assert.Equal(together.Confidence[row], alone.Confidence[0]);
        }
    }

    /// <summary>The network's last layer is zero at first: y is where the regression puts it, and stays there.</summary>
    [Fact]
    public void Refine_FreshNetwork_CorrectsNothing()
    {
        using var engine = new ResidualEngine(TinyNews.Shape, Depth);
        engine.Load(RecursionInitialization.Create(TinyNews.Shape, 1));
        var batch = TinyNews.Batch(TinyNews.Articles());
        engine.Refine(batch);
        var first = (float[])batch.Y.Clone();
        engine.Refine(batch);
        Assert.Equal(0, VectorMath.RelativeDistance(batch.Y, first), 1e-6f);
        Assert.True(VectorMath.Norm(first) > 1);
    }

    [Fact]
    public void Refine_TextWithoutAKnownWord_StaysFinite()
    {
        using var engine = new ResidualEngine(TinyNews.Shape, Depth);
        engine.Load(TinyNews.Weights());
        var encoder = new ZeroEncoder();
        var batch = new RecursionBatch(TinyNews.Shape, 1);
        batch.Sentences[0] = ArticleSentences.Of(encoder, "Xyzzy plugh frob. Qux quux corge.");
        engine.Refine(batch);
        Assert.True(VectorMath.IsFinite(batch.Y));
        Assert.True(VectorMath.IsFinite(batch.Z));
        Assert.InRange(batch.Confidence[0], 0, 1);
        Assert.True(float.IsFinite(engine.Train(batch, new float[ParameterLayout.Of(TinyNews.Shape).ParameterCount])));
    }

    [Fact]
    public void Refine_RowWithoutSentences_SaysWhichRow()
    {
        using var engine = new ResidualEngine(TinyNews.Shape, Depth);
        engine.Load(TinyNews.Weights());
        var batch = TinyNews.Batch(TinyNews.Articles());
        batch.Sentences[1] = null;
        Assert.Contains("row 1 has no sentences", Assert.Throws<ArgumentException>(() => engine.Refine(batch)).Message, StringComparison.Ordinal);
    }

    /// <summary>PyTorch runs the recursion on the 16-wide vectors themselves, without the products that the engine works in.</summary>
    [Fact]
    public void Train_EqualsPyTorch()
    {
        using var folder = new TemporaryFolder();
        var (given, found) = (Path.Combine(folder.Path, "given.safetensors"), Path.Combine(folder.Path, "found.safetensors"));
        var weights = TinyNews.Weights();
        var statistics = new ResidualStatistics(weights);
        var article = TinyNews.Articles()[1];
        var reading = new SentenceReading(article.Sentences, article.X, statistics);
        var (n, d) = (reading.Count, TinyNews.Shape.D);
        var writer = new SafetensorsWriter();
        foreach (var slot in weights.Layout.Parameters) writer.Add(slot.Name, slot.Shape, weights.Parameters.AsMemory(slot.Offset, slot.Length));
        writer.Add("sentences", [n, d], Enumerable.Range(0, n).SelectMany(i => reading.Sentence(i).ToArray()).ToArray());
        writer.Add("features", [n, SentenceFeatures.Count], Array.ConvertAll(reading.Features.ToArray(), value => (float)value));
        writer.Add("weightings", [n, PoolFeatures.Weightings], Array.ConvertAll(reading.Weightings.ToArray(), value => (float)value));
        writer.Add("x", [d], reading.X.ToArray());
        writer.Add("anchor", [d], reading.Anchor.ToArray());
        writer.Add("t", [d], article.T!);
        writer.Add("mean.t", [d], statistics.MeanT.ToArray());
        writer.Add("pool", [PoolFeatures.Count], statistics.Pool.ToArray());
        writer.Add("options", [4], new float[] { statistics.Anchor, statistics.Scale, Depth.Calls, SummaryStart.MeanShare });
        using (var file = File.Create(given)) writer.WriteTo(file);
        TorchPython.Run("residual_step.py", given, found);

        using var engine = new ResidualEngine(TinyNews.Shape, Depth);
        engine.Load(weights);
        var batch = TinyNews.Batch([article]);
        var gradient = new float[weights.Layout.ParameterCount];
        var loss = engine.Train(batch, gradient);
        using var reader = SafetensorsReader.Open(found);
        Assert.Equal(reader.ReadFloats("loss")[0], loss, 1e-5f);
        Near(reader.ReadFloats("y"), batch.Y);
        Near(reader.ReadFloats("z"), batch.Z);
        foreach (var slot in weights.Layout.Parameters) Near(reader.ReadFloats("grad." + slot.Name), slot.Of(gradient));

        static void Near(float[] expected, ReadOnlySpan<float> actual)
        {
            Assert.Equal(expected.Length, actual.Length);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 2e-5f);
        }
    }

    private static double Loss(RecursionWeights weights, RecursionOptions options, float[]? gradient = null)
    {
        using var engine = new ResidualEngine(TinyNews.Shape, options);
        engine.Load(weights);
        engine.Train(TinyNews.Batch(TinyNews.Articles()), gradient ?? new float[weights.Layout.ParameterCount]);
        return engine.Loss;
    }
}
