using System.Globalization;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Torch.Replicas;
using TorchSharp;

namespace RsrNet.Torch.Tests.Replicas;

public sealed class TorchResidualEngineTests
{
    public static TheoryData<string> Devices => TorchDevices.Names;

    [Theory]
    [MemberData(nameof(Devices))]
    public void Train_EqualsCoresEngine(string device)
    {
        foreach (var (calls, recursions) in ((int, int)[])[(1, 1), (2, 1), (3, 2)])
            Compare(device, TinyNews.Weights(), new RecursionOptions { Calls = calls, LatentRecursions = recursions }, () => TinyNews.Batch(TinyNews.Articles()));
    }

    /// <summary>Articles of very different lengths, and one without a sentence, at the sizes that serve.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Train_SizesThatServe_EqualsCoresEngine(string device) => Compare(device, NewsWeights(), new ResidualOptions().Recursion, () => News(20));

    /// <summary>Step by step from where the last one ended, as documents go.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Refine_StepByStep_EqualsCoresEngine(string device)
    {
        var weights = NewsWeights();
        var options = new ResidualOptions().Recursion;
        using var expected = new ResidualEngine(weights.Shape, options);
        using var actual = new TorchResidualEngine(TorchDevices.Of(device), weights.Shape, options);
        var (left, right) = (News(12), News(12));
        foreach (var (engine, batch) in ((IRecursionEngine, RecursionBatch)[])[(expected, left), (actual, right)])
        {
            engine.Load(weights);
            for (var step = 0; step < 4; step++) engine.Refine(batch);
        }
        Near(left.Y, right.Y, 1e-4f);
        Near(left.Z, right.Z, 1e-4f);
        Near(left.Confidence, right.Confidence, 1e-4f);
    }

    [Fact]
    public void Learner_OnLibtorch_ComesToTheWeightsOfTheProcessors()
    {
        var (ours, theirs) = (Learned(null), Learned((shape, options) => TorchEngines.Open(TorchDevices.Of("torch-cpu"), shape, options)));
        Assert.True(VectorMath.RelativeDistance(theirs.Parameters, ours.Parameters) < 1e-3, $"{VectorMath.RelativeDistance(theirs.Parameters, ours.Parameters)}");
        Assert.True(VectorMath.RelativeDistance(theirs.Statistics, ours.Statistics) < 1e-3, $"{VectorMath.RelativeDistance(theirs.Statistics, ours.Statistics)}");
    }

    [Theory]
    [InlineData("torch-cpu")]
    [InlineData("torch")]
    public void Find_ForTheResidualMode_RunsOnLibtorch(string name)
    {
        using var engine = EngineCatalog.OfCore().AddTorch().Find(name, LearningMode.Residual).Create(TinyNews.Shape, new RecursionOptions());
        Assert.IsType<TorchResidualEngine>(engine);
    }

    [Fact]
    public void Auto_ForTheResidualMode_IsTheProcessorsEngine() =>
        Assert.Equal("cpu", EngineCatalog.OfCore().AddTorch().Find(EngineCatalog.Auto, LearningMode.Residual).Name);

    [Fact]
    public void Batch_ThatDoesNotFit_IsRefusedBeforeLibtorchSeesIt()
    {
        using var engine = new TorchResidualEngine(TorchDevices.Of("torch-cpu"), TinyNews.Shape, new RecursionOptions());
        var batch = TinyNews.Batch(TinyNews.Articles());
        Assert.Throws<InvalidOperationException>(() => engine.Refine(batch));
        engine.Load(TinyNews.Weights());
        Assert.Throws<ArgumentException>(() => engine.Refine(new RecursionBatch(TinyNews.Shape with { H = 9 }, 1)));
        Assert.Throws<ArgumentException>(() => engine.Train(batch, new float[3]));
        batch.Sentences[1] = null;
        Assert.Throws<ArgumentException>(() => engine.Refine(batch));
    }

    /// <summary>RSRNET_LEAK_STEPS says how many.</summary>
    [Fact]
    public void ManySteps_LeaveNoTensorBehind()
    {
        var steps = int.Parse(Environment.GetEnvironmentVariable("RSRNET_LEAK_STEPS") ?? "1000", CultureInfo.InvariantCulture);
        using var engine = new TorchResidualEngine(TorchDevices.Of("torch-cpu"), TinyNews.Shape, new RecursionOptions { Calls = 2, LatentRecursions = 1 });
        var weights = TinyNews.Weights();
        var batch = TinyNews.Batch(TinyNews.Articles());
        var gradient = new float[weights.Parameters.Length];
        Steps(50);
        var live = Tensors();
        Steps(steps - 50);
        Assert.Equal(live, Tensors());

        // Other tests make tensors on the same thread: counted there, between two of their calls.
        long Tensors() => TorchDevices.Of("torch-cpu").Run(() => torch.Tensor.TotalCount);

        void Steps(int count)
        {
            for (var i = 0; i < count; i += 2)
            {
                engine.Load(weights);
                engine.Train(batch, gradient);
                engine.Refine(batch);
            }
        }
    }

    /// <summary>One training step and one refinement on both engines.</summary>
    private static void Compare(string device, RecursionWeights weights, RecursionOptions options, Func<RecursionBatch> batch)
    {
        using var expected = new ResidualEngine(weights.Shape, options);
        using var actual = new TorchResidualEngine(TorchDevices.Of(device), weights.Shape, options);
        var (left, right) = (batch(), batch());
        var (wanted, found) = (new float[weights.Parameters.Length], new float[weights.Parameters.Length]);
        found.AsSpan().Fill(7); // whatever was there is overwritten
        expected.Load(weights);
        actual.Load(weights);
        Assert.Equal(expected.Train(left, wanted), actual.Train(right, found), 2e-6f);
        Near(left.RowLoss, right.RowLoss, 1e-5f);
        Near(left.Y, right.Y, 1e-5f);
        Near(left.Z, right.Z, 1e-5f);
        var norm = VectorMath.Norm(wanted);
        Assert.True(norm > 1e-3, $"a gradient of norm {norm} shows nothing");
        Assert.True(VectorMath.RelativeDistance(found, wanted) < 1e-4, $"gradient {VectorMath.RelativeDistance(found, wanted)}");
        // Again, from where training has left the documents.
        expected.Refine(left);
        actual.Refine(right);
        Near(left.Y, right.Y, 1e-5f);
        Near(left.Z, right.Z, 1e-5f);
        Near(left.Confidence, right.Confidence, 1e-5f);
    }

    private static void Near(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }

    internal static RecursionWeights NewsWeights()
    {
        var residual = new ResidualOptions();
        var weights = RecursionInitialization.Create(
            new RecursionShape(768, residual.Hidden, residual.Latent) { Mode = LearningMode.Residual }, 5);
        var random = new SplitMix64(5);
        foreach (ref var weight in weights.Parameter("fc_weight.weight")) weight = random.NextUniform(0.3);
        foreach (var name in (string[])["mean.x", "mean.t", "mean.sentence"])
        {
            foreach (ref var mean in weights.Statistic(name)) mean = random.NextUniform(0.02);
        }
        return weights;
    }

    internal static RecursionBatch News(int rows)
    {
        var encoder = new HashedEncoder();
        var shape = NewsWeights().Shape;
        var batch = new RecursionBatch(shape, rows + 1);
        Article[] articles = [.. new DemoNewswire().From().Where(article => article.Highlights.Count > 0).Take(rows - 1), new("one", "One sentence only."), new("none", "...")];
        for (var row = 0; row < batch.Rows; row++)
        {
            var vectors = new float[2 * encoder.Dimensions];
            encoder.Encode(new[] { articles[row].Text, string.Join(' ', articles[row].Highlights.DefaultIfEmpty("One sentence")) }, vectors);
            vectors.AsSpan(0, encoder.Dimensions).CopyTo(batch.X.AsSpan(row * shape.D));
            vectors.AsSpan(encoder.Dimensions).CopyTo(batch.T.AsSpan(row * shape.D));
            batch.Sentences[row] = ArticleSentences.Of(encoder, articles[row].Text);
        }
        return batch;
    }

    /// <summary>The weights after a small stream in full batches.</summary>
    private static RecursionWeights Learned(Func<RecursionShape, RecursionOptions, IRecursionEngine>? engine)
    {
        var options = new RsrNetOptions
        {
            Residual = new ResidualOptions { Hidden = 8, Latent = 4 }, Documents = new DocumentOptions { RefreshWhenIdle = false },
            Coordination = new CoordinationOptions { BatchSize = 8, BatchWaitMs = 3_600_000 },
        };
        Article[] articles = [.. new DemoNewswire().From().Where(article => article.Highlights.Count > 0).Take(32)];
        return Task.Run(async () =>
        {
            await using var store = new MemoryDocumentStore();
            await using var learner = await LocalLearner.Open(options, new HashedEncoder(), store, null, engine);
            await learner.Ingest(articles);
            learner.Start();
            while ((await learner.ReadTelemetry()).Learned < articles.Length) await Task.Delay(20);
            return (await learner.FindWeights(null))!.Weights;
        }).GetAwaiter().GetResult();
    }
}
