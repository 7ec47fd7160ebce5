using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Coordination;

public sealed class CoordinatorTests
{
    private static readonly RecursionShape Tiny = new(4, 3, 2);

    [Fact]
    public void Apply_Gradient_StepsWeightsAndVersion()
    {
        var coordinator = Create();
        var before = coordinator.Weights.Parameters.ToArray();
        var gradient = new float[before.Length];
        gradient[0] = 3;
        gradient[1] = -4;
        Assert.Equal(5, coordinator.Apply(gradient, 0.25f), 1e-12);
        Assert.Equal(1, coordinator.Version);
        Assert.Equal(0.25f, coordinator.Loss);
        Assert.Equal(before[0] - 1e-3f, coordinator.Weights.Parameters[0], 1e-6f);
        Assert.Equal(before[1] + 1e-3f, coordinator.Weights.Parameters[1], 1e-6f);
        Assert.Equal(before[2..], coordinator.Weights.Parameters[2..]);
        // Clipped to norm 1 before Adam saw it.
        Assert.Equal(0.1f * 0.6f, coordinator.Optimizer.Mean[0], 1e-6f);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Apply_InTheResidualMode_TakesItsShareOfEachWeightFirst(double decay)
    {
        var shape = Tiny with { Mode = LearningMode.Residual };
        var options = new ResidualOptions { Hidden = 3, Latent = 2, LearningRate = 0.01, WeightDecay = decay };
        var coordinator = new Coordinator(RecursionInitialization.Create(shape, 7), new CoordinationOptions(), options);
        var before = coordinator.Weights.Parameters.ToArray();
        coordinator.Apply(new float[before.Length], 1);
        Assert.Equal(before.Select(weight => weight * (float)(1 - 0.01 * decay)), coordinator.Weights.Parameters);
    }

    /// <summary>What is left out has no gradient; it moves all the same where it has moments, as those of a checkpoint from elsewhere may be.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Apply_OfTheLearnedParametersAlone_IsAsWithZerosForTheOthers(bool othersMove)
    {
        Coordinator one = Create(), other = Create();
        var learned = one.Weights.Layout.LearnedCount;
        var gradient = Enumerable.Range(0, one.Weights.Parameters.Length).Select(i => MathF.Cos(i)).ToArray();
        if (othersMove)
        {
            one.Apply(gradient, 1);
            other.Apply(gradient, 1);
        }
        var before = one.Weights.Parameters[^1];
        Array.Clear(gradient, learned, gradient.Length - learned);
        for (var step = 0; step < 2; step++)
        {
            // Of fewer elements the norm may add up in another order.
            Assert.Equal(one.Apply(gradient, 1), other.Apply(gradient.AsSpan(0, learned), 1), 1e-6);
        }
        for (var i = 0; i < gradient.Length; i++) Assert.Equal(one.Weights.Parameters[i], other.Weights.Parameters[i], 1e-6f);
        Assert.Equal(othersMove, before != other.Weights.Parameters[^1]);
        Assert.Equal(othersMove ? 3 : 2, other.Optimizer.Step);
    }

    [Theory]
    [InlineData(float.NaN, 1f)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(1f, float.NaN)]
    public void Apply_NotFinite_IsRefused(float element, float loss)
    {
        var coordinator = Create();
        var before = coordinator.Weights.Parameters.ToArray();
        var gradient = new float[before.Length];
        gradient[2] = element;
        Assert.True(double.IsNaN(coordinator.Apply(gradient, loss)));
        Assert.Equal(1, coordinator.RefusedGradients);
        Assert.Equal(0, coordinator.Version);
        Assert.Equal(0, coordinator.Optimizer.Step);
        Assert.Equal(before, coordinator.Weights.Parameters);
    }

    [Fact]
    public void Restore_Snapshot_GoesOnAsIfNothingHadHappened()
    {
        var first = Create();
        var gradient = Enumerable.Range(0, first.Weights.Parameters.Length).Select(i => MathF.Cos(i)).ToArray();
        first.Apply(gradient, 1);
        var snapshot = first.Snapshot("encoder", "notebook", DateTimeOffset.UnixEpoch);
        first.Apply(gradient, 0.5f);
        var second = Create();
        second.Restore(snapshot);
        Assert.Equal(1, second.Version);
        Assert.Equal(1f, second.Loss);
        second.Apply(gradient, 0.5f);
        Assert.Equal(first.Weights.Parameters, second.Weights.Parameters);
        Assert.Equal(first.Version, second.Version);
    }

    [Fact]
    public void Adopt_WithoutOptimizer_IsTheNextVersionWithFreshMoments()
    {
        var coordinator = Create();
        coordinator.Apply(new float[coordinator.Weights.Parameters.Length], 1);
        var other = RecursionInitialization.Create(Tiny, 99);
        Assert.Equal(2, coordinator.Adopt(new Checkpoint(1000, null, "notebook", other, null, DateTimeOffset.UnixEpoch, null)));
        Assert.Equal(other.Parameters, coordinator.Weights.Parameters);
        Assert.Equal(0, coordinator.Optimizer.Step);
    }

    [Fact]
    public void Adopt_OtherShapeOrNotFinite_IsRejectedAndNothingChanges()
    {
        var coordinator = Create();
        var before = coordinator.Weights.Parameters.ToArray();
        var wide = RecursionInitialization.Create(new RecursionShape(5, 3, 2), 1);
        var broken = RecursionInitialization.Create(Tiny, 1);
        broken.Parameter("fc_out.bias")[1] = float.NaN;
        Assert.Throws<WeightsRejectedException>(() => coordinator.Adopt(new Checkpoint(1, null, "m", wide, null, default, null)));
        var exception = Assert.Throws<WeightsRejectedException>(
            () => coordinator.Adopt(new Checkpoint(1, null, "m", broken, null, default, null)));
        Assert.Contains("fc_out.bias", exception.Message, StringComparison.Ordinal);
        Assert.Equal(before, coordinator.Weights.Parameters);
        Assert.Equal(0, coordinator.Version);
    }

    [Fact]
    public void Constructor_BadOption_NamesIt()
    {
        var exception = Assert.Throws<ArgumentException>(
            () => new Coordinator(RecursionInitialization.Create(Tiny, 1), new CoordinationOptions { Beta1 = 1 }));
        Assert.Contains("Coordination.Beta1", exception.Message, StringComparison.Ordinal);
    }

    private static Coordinator Create() => new(RecursionInitialization.Create(Tiny, 5), new CoordinationOptions());
}
