using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

public sealed class ReferenceEngineTests
{
    private static readonly RecursionShape Tiny = new(6, 5, 4);

    public static TheoryData<string> ParameterNames => [.. ParameterLayout.Of(Tiny).Parameters.Select(slot => slot.Name)];

    /// <summary>One latent recursion, so that every parameter's way into the loss has a gradient; four calls, as in the notebook.</summary>
    [Theory]
    [MemberData(nameof(ParameterNames))]
    public void Train_OneLatentRecursion_GradientEqualsFiniteDifference(string name)
    {
        var options = new RecursionOptions { Calls = 4, LatentRecursions = 1 };
        var weights = RandomBatch.Weights(Tiny, seed: 3);
        var slot = weights.Layout.Parameters[weights.Layout.IndexOfParameter(name)];
        var gradient = new float[weights.Layout.ParameterCount];
        Loss(weights, options, RandomBatch.WithState(Tiny, 5, seed: 9), gradient);
        var largest = 0.0;
        for (var i = 0; i < slot.Length; i++)
        {
            var difference = Difference(weights, slot.Offset + i, moved => Loss(moved, options, RandomBatch.WithState(Tiny, 5, seed: 9)));
            Assert.Equal(difference, gradient[slot.Offset + i], 1e-5);
            largest = Math.Max(largest, Math.Abs(difference));
        }
        // Biases before a BatchNorm and fc_aux have no effect; all others must have been seen to have one.
        var inert = name is "fc1.bias" or "fc2.bias" or "fc_aux.weight" or "fc_aux.bias";
        Assert.True(inert ? largest < 1e-8 : largest > 1e-3, $"largest difference {largest}");
    }

    /// <summary>
    /// The gradient goes through the last latent recursion only: it is that of a network whose first T - 1 recursions are held where they
    /// were, and not that of the whole.
    /// </summary>
    [Fact]
    public void Train_ThreeLatentRecursions_GradientOnlyThroughTheLast()
    {
        var three = new RecursionOptions { Calls = 2, LatentRecursions = 3 };
        var two = three with { LatentRecursions = 2 };
        var one = three with { LatentRecursions = 1 };
        var weights = RandomBatch.Weights(Tiny, seed: 4);
        var gradient = new float[weights.Layout.ParameterCount];
        Loss(weights, three, RandomBatch.Of(Tiny, 4, seed: 5), gradient);

        using var before = new ReferenceEngine(Tiny, two);
        before.Load(weights);
        var held = RandomBatch.Of(Tiny, 4, seed: 5);
        before.Train(held, new float[gradient.Length]);
        var expected = new float[gradient.Length];
        Loss(weights, one, held, expected);
        for (var i = 0; i < gradient.Length; i++) Assert.Equal(expected[i], gradient[i], 1e-6f);

        var slot = weights.Layout.Parameters[weights.Layout.IndexOfParameter("fc_out.weight")];
        var whole = Enumerable.Range(slot.Offset, slot.Length)
            .Max(i => Math.Abs(Difference(weights, i, moved => Loss(moved, three, RandomBatch.Of(Tiny, 4, seed: 5))) - gradient[i]));
        Assert.True(whole > 1e-3, "the first recursions should matter to the loss, if not to the gradient");
    }

    [Fact]
    public void Train_AllRecursions_UpdateRunningStatistics()
    {
        var weights = RandomBatch.Weights(Tiny, seed: 1);
        var zero = new RecursionWeights(Tiny);
        weights.Statistics.CopyTo(zero.Statistics, 0);
        zero.Parameter("fc1.bias").Fill(2);
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions { Calls = 4, LatentRecursions = 3 });
        engine.Load(zero);
        engine.Train(RandomBatch.Of(Tiny, 3, seed: 2), new float[zero.Layout.ParameterCount]);
        var after = new RecursionWeights(Tiny);
        engine.ReadStatistics(after);

        // Without weights every call sees the constant 2 with variance 0: 12 moves of a tenth.
        Assert.Equal(12, after.BatchesTracked);
        var left = Math.Pow(0.9, 12);
        for (var h = 0; h < Tiny.H; h++)
        {
            Assert.Equal(left * weights.Statistic("bn1.running_mean")[h] + (1 - left) * 2, after.Statistic("bn1.running_mean")[h], 1e-5);
            Assert.Equal(left * weights.Statistic("bn1.running_var")[h], after.Statistic("bn1.running_var")[h], 1e-5);
        }
    }

    [Fact]
    public void Train_RowLoss_MeanIsTheLoss()
    {
        var weights = RandomBatch.Weights(Tiny, seed: 1);
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions());
        engine.Load(weights);
        var batch = RandomBatch.Of(Tiny, 4, seed: 2);
        var loss = engine.Train(batch, new float[weights.Layout.ParameterCount]);
        Assert.Equal(batch.RowLoss.Average(), loss, 1e-5f);
        for (var row = 0; row < 4; row++)
        {
            var y = batch.Y.AsSpan(row * Tiny.D, Tiny.D).ToArray();
            var mse = y.Select((value, j) => Math.Pow(value - batch.T[row * Tiny.D + j], 2)).Average();
            var q = 1 / (1 + Math.Exp(-y.Max()));
            Assert.Equal(q, batch.Confidence[row], 1e-6);
            Assert.Equal(mse - 0.1 * Math.Log(q), batch.RowLoss[row], 1e-5);
        }
    }

    [Fact]
    public void Train_OneRow_Throws()
    {
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions());
        var weights = RecursionInitialization.Create(Tiny, 1);
        engine.Load(weights);
        var exception = Assert.Throws<ArgumentException>(
            () => engine.Train(RandomBatch.Of(Tiny, 1, 1), new float[weights.Layout.ParameterCount]));
        Assert.Contains("at least 2 rows", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_NotANumberInOneRow_GivesNoFiniteLoss()
    {
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions());
        var weights = RecursionInitialization.Create(Tiny, 1);
        engine.Load(weights);
        var batch = RandomBatch.Of(Tiny, 3, 1);
        batch.X[2] = float.NaN;
        Assert.True(float.IsNaN(engine.Train(batch, new float[weights.Layout.ParameterCount])));
    }

    [Fact]
    public void Refine_OneRowAlone_EqualsThatRowInABatch()
    {
        var weights = RandomBatch.Weights(Tiny, seed: 6);
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions());
        engine.Load(weights);
        var together = RandomBatch.WithState(Tiny, 5, seed: 8);
        var before = RandomBatch.WithState(Tiny, 5, seed: 8);
        engine.Refine(together);
        for (var row = 0; row < 5; row++)
        {
            var alone = new RecursionBatch(Tiny, 1);
            before.X.AsSpan(row * Tiny.D, Tiny.D).CopyTo(alone.X);
            before.Y.AsSpan(row * Tiny.D, Tiny.D).CopyTo(alone.Y);
            before.Z.AsSpan(row * Tiny.L, Tiny.L).CopyTo(alone.Z);
            engine.Refine(alone);
            Assert.Equal(together.Y.AsSpan(row * Tiny.D, Tiny.D).ToArray(), alone.Y);
            Assert.Equal(together.Z.AsSpan(row * Tiny.L, Tiny.L).ToArray(), alone.Z);
            Assert.Equal(together.Confidence[row], alone.Confidence[0]);
        }
    }

    [Fact]
    public void Refine_StatisticsAndOtherRows_StayAsTheyWere()
    {
        var weights = RandomBatch.Weights(Tiny, seed: 6);
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions());
        engine.Load(weights);
        var batch = RandomBatch.Of(Tiny, 4, seed: 8);
        batch.Rows = 3;
        engine.Refine(batch);
        var after = new RecursionWeights(Tiny);
        engine.ReadStatistics(after);
        Assert.Equal(weights.Statistics, after.Statistics);
        Assert.All(batch.Y[(3 * Tiny.D)..], value => Assert.Equal(0, value));
        Assert.NotEqual(0, batch.Y[0]);
    }

    /// <summary>A known document goes on from its stored state: two steps are the same as one, stored, and one more.</summary>
    [Fact]
    public void Refine_StoredState_ContinuesFromIt()
    {
        var weights = RandomBatch.Weights(Tiny, seed: 6);
        using var deep = new ReferenceEngine(Tiny, new RecursionOptions { Calls = 1, LatentRecursions = 2 });
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions { Calls = 1, LatentRecursions = 1 });
        deep.Load(weights);
        engine.Load(weights);
        var once = RandomBatch.Of(Tiny, 2, seed: 8);
        var twice = RandomBatch.Of(Tiny, 2, seed: 8);
        deep.Refine(once);
        engine.Refine(twice);
        var between = twice.Y.ToArray();
        engine.Refine(twice);
        for (var i = 0; i < once.Y.Length; i++) Assert.Equal(once.Y[i], twice.Y[i], 1e-5f);
        Assert.NotEqual(between, twice.Y);
    }

    [Fact]
    public void Refine_BeforeLoad_Throws()
    {
        using var engine = new ReferenceEngine(Tiny, new RecursionOptions());
        Assert.Throws<InvalidOperationException>(() => engine.Refine(RandomBatch.Of(Tiny, 1, 1)));
    }

    private static double Loss(RecursionWeights weights, RecursionOptions options, RecursionBatch batch, float[]? gradient = null)
    {
        using var engine = new ReferenceEngine(weights.Shape, options);
        engine.Load(weights);
        engine.Train(batch, gradient ?? new float[weights.Layout.ParameterCount]);
        return engine.Loss;
    }

    /// <summary>(f(p + e) - f(p - e)) / 2e with the steps that float really makes.</summary>
    private static double Difference(RecursionWeights weights, int index, Func<RecursionWeights, double> loss)
    {
        var moved = weights.Clone();
        moved.Parameters[index] = weights.Parameters[index] + 1e-4f;
        var (above, high) = (loss(moved), moved.Parameters[index]);
        moved.Parameters[index] = weights.Parameters[index] - 1e-4f;
        return (above - loss(moved)) / ((double)high - moved.Parameters[index]);
    }
}
