using System.Globalization;
using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Core.Weights;
using TorchSharp;

namespace RsrNet.Torch.Tests.Replicas;

public sealed class TorchEngineTests
{
    private static readonly RecursionShape Tiny = new(6, 5, 4);
    private static readonly RecursionShape[] Shapes = [new(12, 8, 4), new(100, 33, 7), new(5, 40, 3), new(64, 32, 32)];

    public static TheoryData<string> Devices => TorchDevices.Names;

    /// <summary>
    /// Two and three rows with little depth: their variance may be close to nothing, and twelve calls would magnify the rounding.
    /// </summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Train_AnyShape_EqualsTheReference(string device)
    {
        foreach (var shape in Shapes)
        {
            foreach (var rows in (int[])[8, 17, 64]) CompareTraining(device, shape, new RecursionOptions(), rows);
            foreach (var rows in (int[])[2, 3]) CompareTraining(device, shape, Depth(2, 1), rows);
        }
    }

    /// <summary>Shapes that nobody chose, from a seed.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Train_RandomShapes_EqualTheReference(string device)
    {
        var random = new SplitMix64(20);
        for (var i = 0; i < 12; i++)
        {
            var shape = new RecursionShape(Next(1, 60), Next(2, 50), Next(1, 30));
            var options = Depth(Next(1, 4), Next(1, 3));
            CompareTraining(device, shape, options, Next(16, 48));
            CompareRefinement(device, shape, options, Next(1, 20));
        }

        int Next(int least, int most) => least + (int)(random.Next() % (ulong)(most - least + 1));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Train_NotebookSizes_EqualsTheReference(string device) =>
        CompareTraining(device, RecursionShape.Notebook, new RecursionOptions(), 64);

    [Theory]
    [MemberData(nameof(Devices))]
    public void Refine_AnyShape_EqualsTheReference(string device)
    {
        foreach (var shape in (RecursionShape[])[.. Shapes, RecursionShape.Notebook])
        {
            foreach (var rows in (int[])[1, 2, 17]) CompareRefinement(device, shape, new RecursionOptions(), rows);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(5, 2)]
    public void Train_OtherDepths_EqualTheReference(int calls, int recursions) =>
        CompareTraining("torch-cpu", new RecursionShape(40, 16, 8), Depth(calls, recursions), 9);

    [Theory]
    [MemberData(nameof(Devices))]
    public void GoldenRun_IsReplayedWithinTheTolerances(string device)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Golden", "run-12-8-4.safetensors");
        var report = RecordedRun.Read(path).Replay((shape, options) => TorchDevices.Engine(device, shape, options));
        Assert.True(report.Passed, string.Join(", ", report.Worst.Select(pair => $"{pair.Key} {pair.Value:g3}")));
        Assert.Equal(["eval", "final", "gradnorm", "loss", "q", "y", "z"], report.Worst.Keys.Order());
    }

    /// <summary>The notebook's loop for some batches: rounding must not grow from step to step.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Supervision_SomeBatches_StaysWithTheReference(string device)
    {
        var shape = new RecursionShape(48, 24, 8);
        var options = new RecursionOptions { StopConfidence = 2 };
        using var reference = new ReferenceEngine(shape, options);
        using var engine = TorchDevices.Engine(device, shape, options);
        var one = new Coordinator(RandomBatch.Weights(shape, 3), new CoordinationOptions());
        var other = new Coordinator(RandomBatch.Weights(shape, 3), new CoordinationOptions());
        for (var number = 0UL; number < 3; number++)
        {
            RecursionBatch expected = RandomBatch.Of(shape, 32, number), actual = RandomBatch.Of(shape, 32, number);
            var losses = new Supervision(reference, one, options).Run(expected).Select(step => step.Loss).ToArray();
            var others = new Supervision(engine, other, options).Run(actual).Select(step => step.Loss).ToArray();
            EngineComparison.Near(losses, others, 1e-4, "loss");
            EngineComparison.Near(expected.Y, actual.Y, 1e-3, "y");
        }
        EngineComparison.Near(one.Weights.Parameters, other.Weights.Parameters, 1e-3, "parameters");
        EngineComparison.Near(one.Weights.Statistics, other.Weights.Statistics, 1e-3, "statistics");
        Assert.Equal(one.Weights.BatchesTracked, other.Weights.BatchesTracked);
    }

    /// <summary>
    /// libtorch multiplies one row with another routine than many, so the last digits may differ; what the other rows are must not matter.
    /// </summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Refine_OneRowAlone_EqualsThatRowAmongOthers(string device)
    {
        var shape = new RecursionShape(100, 33, 7);
        using var engine = TorchDevices.Engine(device, shape);
        engine.Load(RandomBatch.Weights(shape, 3));
        RecursionBatch all = RandomBatch.WithState(shape, 9, 5), before = RandomBatch.WithState(shape, 9, 5);
        var others = RandomBatch.WithState(shape, 9, 6);
        before.X.AsSpan(0, 100).CopyTo(others.X);
        before.Y.AsSpan(0, 100).CopyTo(others.Y);
        before.Z.AsSpan(0, 7).CopyTo(others.Z);
        engine.Refine(all);
        engine.Refine(others);
        Assert.Equal(all.Y.AsSpan(0, 100), others.Y.AsSpan(0, 100));
        Assert.Equal(all.Z.AsSpan(0, 7), others.Z.AsSpan(0, 7));
        Assert.Equal(all.Confidence[0], others.Confidence[0]);
        Assert.NotEqual(all.Y[100], others.Y[100]);
        var alone = new RecursionBatch(shape, 1);
        for (var row = 0; row < 9; row++)
        {
            before.X.AsSpan(row * 100, 100).CopyTo(alone.X);
            before.Y.AsSpan(row * 100, 100).CopyTo(alone.Y);
            before.Z.AsSpan(row * 7, 7).CopyTo(alone.Z);
            engine.Refine(alone);
            EngineComparison.Near(all.Y.AsSpan(row * 100, 100), alone.Y, 1e-5, $"y of row {row}");
            EngineComparison.Near(all.Z.AsSpan(row * 7, 7), alone.Z, 1e-5, $"z of row {row}");
        }
    }

    [Fact]
    public void Refine_StatisticsAndUnusedRows_StayAsTheyWere()
    {
        var weights = RandomBatch.Weights(Tiny, 6);
        using var engine = TorchDevices.Engine("torch-cpu", Tiny);
        engine.Load(weights);
        var batch = RandomBatch.Of(Tiny, 4, seed: 8);
        batch.Rows = 3;
        engine.Refine(batch);
        batch.Rows = 0;
        engine.Refine(batch);
        var after = new RecursionWeights(Tiny);
        engine.ReadStatistics(after);
        Assert.Equal(weights.Statistics, after.Statistics);
        Assert.All(batch.Y[(3 * Tiny.D)..], value => Assert.Equal(0, value));
        Assert.NotEqual(0, batch.Y[0]);
    }

    [Fact]
    public void Train_ThenRefine_UsesTheNewStatistics()
    {
        var weights = RandomBatch.Weights(Tiny, 3);
        using var engine = TorchDevices.Engine("torch-cpu", Tiny);
        engine.Load(weights);
        var before = RandomBatch.Of(Tiny, 3, 5);
        engine.Refine(before);
        engine.Train(RandomBatch.Of(Tiny, 6, 7), new float[weights.Parameters.Length]);
        var after = RandomBatch.Of(Tiny, 3, 5);
        engine.Refine(after);
        engine.ReadStatistics(weights);
        engine.Load(weights);
        var again = RandomBatch.Of(Tiny, 3, 5);
        engine.Refine(again);
        Assert.NotEqual(before.Y, after.Y);
        Assert.Equal(after.Y, again.Y);
    }

    [Fact]
    public void NotANumber_ReachesTheLossAndTheConfidence()
    {
        using var engine = TorchDevices.Engine("torch-cpu", Tiny);
        var weights = RandomBatch.Weights(Tiny, 3);
        engine.Load(weights);
        var batch = RandomBatch.Of(Tiny, 3, 5);
        batch.X[Tiny.D + 1] = float.NaN;
        Assert.True(float.IsNaN(engine.Train(batch, new float[weights.Parameters.Length])));
        engine.Load(weights);
        batch = RandomBatch.Of(Tiny, 3, 5);
        batch.X[Tiny.D + 1] = float.NaN;
        engine.Refine(batch);
        Assert.True(float.IsNaN(batch.Confidence[1]));
        Assert.True(float.IsFinite(batch.Confidence[0]) && float.IsFinite(batch.Confidence[2]));
    }

    /// <summary>
    /// Not even the garbage collector is needed: the count of live tensors is the same after 50 steps and after 1,000. (RSRNET_LEAK_STEPS
    /// says how many; 10,000 take a minute or two.)
    /// </summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void ManySteps_LeaveNoTensorBehind(string device)
    {
        var steps = int.Parse(Environment.GetEnvironmentVariable("RSRNET_LEAK_STEPS") ?? "1000", CultureInfo.InvariantCulture);
        var weights = RandomBatch.Weights(Tiny, 3);
        using var engine = TorchDevices.Engine(device, Tiny, Depth(1, 2));
        RecursionBatch train = RandomBatch.Of(Tiny, 4, 5), refine = RandomBatch.Of(Tiny, 3, 5);
        var gradient = new float[weights.Parameters.Length];
        Steps(50);
        var live = torch.Tensor.TotalCount;
        Steps(steps - 50);
        Assert.Equal(live, torch.Tensor.TotalCount);

        void Steps(int count)
        {
            for (var i = 0; i < count; i += 2)
            {
                engine.Load(weights);
                engine.Train(train, gradient);
                engine.ReadStatistics(weights);
                engine.Refine(refine);
            }
        }
    }

    /// <summary>Engines may be called from any thread; the device has one of its own.</summary>
    [Fact]
    public void TwoEngines_FromManyThreads_ShareTheDevice()
    {
        var weights = RandomBatch.Weights(Tiny, 3);
        using var expectedEngine = TorchDevices.Engine("torch-cpu", Tiny);
        expectedEngine.Load(weights);
        var expected = RandomBatch.Of(Tiny, 8, 5);
        expectedEngine.Refine(expected);
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            using var engine = TorchDevices.Engine("torch-cpu", Tiny);
            engine.Load(weights);
            for (var i = 0; i < 20; i++)
            {
                var batch = RandomBatch.Of(Tiny, 8, 5);
                engine.Refine(batch);
                Assert.Equal(expected.Y, batch.Y);
                engine.Train(batch, new float[weights.Parameters.Length]);
                engine.Load(weights);
            }
        });
    }

    [Fact]
    public void WrongUse_IsNamedBeforeLibtorchSeesIt()
    {
        using var engine = TorchDevices.Engine("torch-cpu", Tiny);
        Assert.Throws<InvalidOperationException>(() => engine.Refine(RandomBatch.Of(Tiny, 2, 1)));
        var weights = RandomBatch.Weights(Tiny, 3);
        engine.Load(weights);
        Assert.Throws<ArgumentException>(() => engine.Refine(RandomBatch.Of(new RecursionShape(7, 5, 4), 2, 1)));
        var error = Assert.Throws<ArgumentException>(() => engine.Train(RandomBatch.Of(Tiny, 1, 1), new float[weights.Parameters.Length]));
        Assert.Contains("at least 2 rows", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => engine.Train(RandomBatch.Of(Tiny, 2, 1), new float[3]));
        Assert.Throws<ArgumentException>(() => engine.Load(new RecursionWeights(new RecursionShape(7, 5, 4))));
        Assert.Throws<ArgumentException>(() => engine.ReadStatistics(new RecursionWeights(new RecursionShape(7, 5, 4))));
        Assert.Throws<ArgumentException>(() => TorchDevices.Engine("torch-cpu", Tiny with { Mode = LearningMode.Residual }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TorchDevices.Engine("torch-cpu", Tiny, new RecursionOptions { Calls = 0 }));
    }

    private static RecursionOptions Depth(int calls, int recursions) => new() { Calls = calls, LatentRecursions = recursions };

    private static void CompareTraining(string device, RecursionShape shape, RecursionOptions options, int rows) =>
        EngineComparison.Training(() => TorchDevices.Engine(device, shape, options), shape, options, rows, device);

    private static void CompareRefinement(string device, RecursionShape shape, RecursionOptions options, int rows) =>
        EngineComparison.Refinement(() => TorchDevices.Engine(device, shape, options), shape, options, rows, device);
}
