using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

/// <summary>The vector engine against the plain loops, for each width this machine has and every way of training.</summary>
public sealed class CpuEngineTests
{
    private static readonly RecursionShape[] Shapes = [new(12, 8, 4), new(100, 33, 7), new(5, 40, 3), new(64, 32, 32)];

    /// <summary>
    /// For two or three rows: their variance is now and then close to nothing, and what is divided by it carries the rounding on from call to
    /// call. Twelve calls turn a last digit of x into everything, in the reference as well.
    /// </summary>
    private static RecursionOptions Shallow => new() { Calls = 2, LatentRecursions = 1 };

    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>().Where(VectorWidths.IsSupported)];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Train_AnyShape_EqualsTheReference(VectorWidth width)
    {
        foreach (var way in Enum.GetValues<TrainingWay>())
        {
            foreach (var shape in Shapes)
            {
                foreach (var rows in (int[])[8, 17, 64]) CompareTraining(shape, new RecursionOptions(), rows, width, way);
                foreach (var rows in (int[])[2, 3]) CompareTraining(shape, Shallow, rows, width, way);
            }
        }
    }

    /// <summary>By the way that suits the size, and by others.</summary>
    [Theory]
    [InlineData(8, nameof(TrainingWay.Plain))]
    [InlineData(8, nameof(TrainingWay.Mixed))]
    [InlineData(8, nameof(TrainingWay.Folded))]
    [InlineData(17, nameof(TrainingWay.Plain))]
    [InlineData(17, nameof(TrainingWay.Mixed))]
    [InlineData(64, nameof(TrainingWay.Folded))]
    [InlineData(256, nameof(TrainingWay.Folded))]
    public void Train_NotebookSizes_EqualsTheReference(int rows, string way) =>
        CompareTraining(RecursionShape.Notebook, new RecursionOptions(), rows, VectorWidths.Best, Enum.Parse<TrainingWay>(way));

    [Theory]
    [InlineData(2, nameof(TrainingWay.Plain))]
    [InlineData(8, nameof(TrainingWay.Mixed))]
    [InlineData(64, nameof(TrainingWay.Folded))]
    public void CheapestWay_NotebookSizes(int rows, string way) =>
        Assert.Equal(Enum.Parse<TrainingWay>(way), RecursionArithmetic.Cheapest(RecursionShape.Notebook, new RecursionOptions(), rows));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(5, 2)]
    public void Train_OtherDepths_EqualTheReference(int calls, int recursions)
    {
        var options = new RecursionOptions { Calls = calls, LatentRecursions = recursions };
        foreach (var way in Enum.GetValues<TrainingWay>()) CompareTraining(new RecursionShape(40, 16, 8), options, 9, VectorWidths.Best, way);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Refine_AnyShape_EqualsTheReference(VectorWidth width)
    {
        foreach (var shape in Shapes)
        {
            foreach (var rows in (int[])[1, 2, 3, 8, 17, 64]) CompareRefinement(shape, new RecursionOptions(), rows, width);
        }
        CompareRefinement(new RecursionShape(40, 16, 8), new RecursionOptions { Calls = 1, LatentRecursions = 1 }, 5, width);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(256)]
    public void Refine_NotebookSizes_EqualsTheReference(int rows) =>
        CompareRefinement(RecursionShape.Notebook, new RecursionOptions(), rows, VectorWidths.Best);

    /// <summary>The notebook's loop for some batches: rounding must not grow from step to step.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(70)]
    public void Supervision_SomeBatches_StaysWithTheReference(int rows)
    {
        var shape = new RecursionShape(48, 24, 8);
        var options = new RecursionOptions { StopConfidence = 2 };
        using var reference = new ReferenceEngine(shape, options);
        using var engine = new CpuEngine(shape, options, threads: 2);
        var one = new Coordinator(RandomBatch.Weights(shape, 3), new CoordinationOptions());
        var other = new Coordinator(RandomBatch.Weights(shape, 3), new CoordinationOptions());
        for (var number = 0UL; number < 3; number++)
        {
            RecursionBatch expected = RandomBatch.Of(shape, rows, number), actual = RandomBatch.Of(shape, rows, number);
            var losses = new Supervision(reference, one, options).Run(expected).Select(step => step.Loss).ToArray();
            var others = new Supervision(engine, other, options).Run(actual).Select(step => step.Loss).ToArray();
            EngineComparison.Near(losses, others, 1e-4, "loss");
            EngineComparison.Near(expected.Y, actual.Y, 1e-3, "y");
        }
        EngineComparison.Near(one.Weights.Parameters, other.Weights.Parameters, 1e-3, "parameters");
        EngineComparison.Near(one.Weights.Statistics, other.Weights.Statistics, 1e-3, "statistics");
        Assert.Equal(one.Weights.BatchesTracked, other.Weights.BatchesTracked);
    }

    [Fact]
    public void SharedWeights_TrainAndRefineAsACopyDoes_AndKeepTheirStatistics()
    {
        var shape = new RecursionShape(40, 16, 8);
        var weights = RandomBatch.Weights(shape, 3);
        var statistics = weights.Statistics.ToArray();
        var learned = weights.Layout.LearnedCount;
        using var copying = new CpuEngine(shape, new RecursionOptions());
        using var sharing = new CpuEngine(shape, new RecursionOptions());
        float[] whole = new float[weights.Parameters.Length], gradient = new float[learned];
        for (var step = 0; step < 2; step++)
        {
            copying.Load(weights);
            sharing.Share(weights);
            RecursionBatch expected = RandomBatch.WithState(shape, 9, 5), actual = RandomBatch.WithState(shape, 9, 5);
            copying.Train(expected, whole);
            sharing.Train(actual, gradient);
            Assert.Equal(whole[..learned], gradient);
            Assert.Equal(statistics, weights.Statistics);
            copying.Refine(expected);
            sharing.Refine(actual);
            Assert.Equal(expected.Y, actual.Y);
            for (var i = 0; i < learned; i++) weights.Parameters[i] -= 0.1f * gradient[i];
        }
        // Of another's parameters nothing is left after a load.
        copying.Load(weights);
        sharing.Load(weights);
        RecursionBatch before = RandomBatch.WithState(shape, 9, 5), after = RandomBatch.WithState(shape, 9, 5);
        copying.Refine(before);
        Array.Fill(weights.Parameters, 0.5f);
        sharing.Refine(after);
        Assert.Equal(before.Y, after.Y);
    }

    [Fact]
    public void RowAlone_RefinesAsAmongOthers()
    {
        var shape = new RecursionShape(100, 33, 7);
        using var engine = new CpuEngine(shape, new RecursionOptions());
        engine.Load(RandomBatch.Weights(shape, 3));
        var all = RandomBatch.WithState(shape, 61, 5);
        var before = RandomBatch.WithState(shape, 61, 5);
        engine.Refine(all);
        var alone = new RecursionBatch(shape, 1);
        for (var row = 0; row < 61; row++)
        {
            before.X.AsSpan(row * 100, 100).CopyTo(alone.X);
            before.Y.AsSpan(row * 100, 100).CopyTo(alone.Y);
            before.Z.AsSpan(row * 7, 7).CopyTo(alone.Z);
            engine.Refine(alone);
            Assert.Equal(all.Y.AsSpan(row * 100, 100), alone.Y.AsSpan());
            Assert.Equal(all.Z.AsSpan(row * 7, 7), alone.Z.AsSpan());
            Assert.Equal(all.Confidence[row], alone.Confidence[0]);
        }
    }

    /// <summary>A block of new documents skips y's product; beside a known document it does not. Both must give the same.</summary>
    [Fact]
    public void NewDocumentBesideAKnownOne_RefinesAsAmongNewOnes()
    {
        var shape = new RecursionShape(100, 33, 7);
        using var engine = new CpuEngine(shape, new RecursionOptions { Calls = 1, LatentRecursions = 2 });
        engine.Load(RandomBatch.Weights(shape, 3));
        RecursionBatch fresh = RandomBatch.Of(shape, 4, 5), mixed = RandomBatch.Of(shape, 4, 5);
        mixed.Y.AsSpan(3 * 100).Fill(0.5f);
        engine.Refine(fresh);
        engine.Refine(mixed);
        Assert.Equal(fresh.Y.AsSpan(0, 300), mixed.Y.AsSpan(0, 300));
        Assert.NotEqual(fresh.Y[300], mixed.Y[300]);
    }

    [Theory]
    [InlineData(64, nameof(TrainingWay.Folded))]
    [InlineData(150, nameof(TrainingWay.Folded))]
    [InlineData(150, nameof(TrainingWay.Mixed))]
    [InlineData(150, nameof(TrainingWay.Plain))]
    public void AnyNumberOfThreads_GivesTheSameBits(int rows, string way)
    {
        var shape = new RecursionShape(100, 40, 20);
        var weights = RandomBatch.Weights(shape, 3);
        float[]? gradient = null;
        RecursionBatch? trained = null, refined = null;
        var statistics = weights.Clone();
        foreach (var threads in (int[])[1, 2, 3, 5])
        {
            using var engine = new CpuEngine(shape, new RecursionOptions(), threads) { Way = Enum.Parse<TrainingWay>(way) };
            RecursionBatch train = RandomBatch.WithState(shape, rows, 5), refine = RandomBatch.WithState(shape, rows, 6);
            var slopes = new float[weights.Parameters.Length];
            engine.Load(weights);
            engine.Refine(refine);
            engine.Train(train, slopes);
            var moved = weights.Clone();
            engine.ReadStatistics(moved);
            if (gradient is null)
            {
                (gradient, trained, refined, statistics) = (slopes, train, refine, moved);
                continue;
            }
            Assert.Equal(gradient, slopes);
            Assert.Equal(trained!.Y, train.Y);
            Assert.Equal(trained.Z, train.Z);
            Assert.Equal(trained.RowLoss, train.RowLoss);
            Assert.Equal(refined!.Y, refine.Y);
            Assert.Equal(statistics.Statistics, moved.Statistics);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void SteadyState_AllocatesNothing(int threads)
    {
        var shape = new RecursionShape(100, 40, 20);
        var weights = RandomBatch.Weights(shape, 3);
        using var engine = new CpuEngine(shape, new RecursionOptions(), threads);
        var batch = RandomBatch.Of(shape, 100, 5);
        var small = RandomBatch.Of(shape, 4, 5);
        var gradient = new float[weights.Parameters.Length];
        var coordinator = new Coordinator(weights, new CoordinationOptions());
        void Steps(int count)
        {
            for (var i = 0; i < count; i++)
            {
                for (var rows = 70; rows <= 100; rows += 30)
                {
                    batch.Rows = rows;
                    engine.Load(coordinator.Weights);
                    coordinator.Apply(gradient, engine.Train(batch, gradient));
                    engine.ReadStatistics(coordinator.Weights);
                    engine.Refine(batch);
                }
                coordinator.Apply(gradient, engine.Train(small, gradient));
                engine.Refine(small);
            }
        }

        Steps(3);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Steps(10);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Train_AfterTraining_RefinementUsesTheNewStatistics()
    {
        var shape = new RecursionShape(12, 8, 4);
        var weights = RandomBatch.Weights(shape, 3);
        using var engine = new CpuEngine(shape, new RecursionOptions());
        engine.Load(weights);
        var before = RandomBatch.Of(shape, 3, 5);
        engine.Refine(before);
        engine.Train(RandomBatch.Of(shape, 6, 7), new float[weights.Parameters.Length]);
        var after = RandomBatch.Of(shape, 3, 5);
        engine.Refine(after);
        engine.ReadStatistics(weights);
        engine.Load(weights);
        var again = RandomBatch.Of(shape, 3, 5);
        engine.Refine(again);
        Assert.NotEqual(before.Y, after.Y);
        Assert.Equal(after.Y, again.Y);
    }

    [Fact]
    public void NotANumber_ReachesTheLossAndTheConfidence()
    {
        var shape = new RecursionShape(12, 8, 4);
        using var engine = new CpuEngine(shape, new RecursionOptions());
        var weights = RandomBatch.Weights(shape, 3);
        engine.Load(weights);
        var batch = RandomBatch.Of(shape, 3, 5);
        batch.X[13] = float.NaN;
        Assert.True(float.IsNaN(engine.Train(batch, new float[weights.Parameters.Length])));
        engine.Load(weights);
        batch = RandomBatch.Of(shape, 3, 5);
        batch.X[13] = float.NaN;
        engine.Refine(batch);
        Assert.True(float.IsNaN(batch.Confidence[1]));
        Assert.True(float.IsFinite(batch.Confidence[0]) && float.IsFinite(batch.Confidence[2]));
    }

    [Fact]
    public void WrongUse_IsNamed()
    {
        var shape = new RecursionShape(12, 8, 4);
        using var engine = new CpuEngine(shape, new RecursionOptions());
        Assert.Throws<InvalidOperationException>(() => engine.Refine(RandomBatch.Of(shape, 2, 1)));
        var weights = RandomBatch.Weights(shape, 3);
        engine.Load(weights);
        Assert.Throws<ArgumentException>(() => engine.Refine(RandomBatch.Of(new RecursionShape(11, 8, 4), 2, 1)));
        var error = Assert.Throws<ArgumentException>(() => engine.Train(RandomBatch.Of(shape, 1, 1), new float[weights.Parameters.Length]));
        Assert.Contains("at least 2 rows", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => engine.Train(RandomBatch.Of(shape, 2, 1), new float[3]));
        Assert.Throws<ArgumentException>(() => engine.Load(new RecursionWeights(new RecursionShape(11, 8, 4))));
    }

    private static void CompareTraining(RecursionShape shape, RecursionOptions options, int rows, VectorWidth width, TrainingWay way) =>
        EngineComparison.Training(
            () => new CpuEngine(shape, options, threads: 2, width) { Way = way }, shape, options, rows, $"{width}, {way}");

    private static void CompareRefinement(RecursionShape shape, RecursionOptions options, int rows, VectorWidth width) =>
        EngineComparison.Refinement(() => new CpuEngine(shape, options, threads: 2, width), shape, options, rows, $"{width}");
}
