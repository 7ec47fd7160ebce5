using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class LeastSquaresTests
{
    [Fact]
    public void NothingObserved_WeightsAreThePrior()
    {
        var regression = new NormalEquations([0.5, -2], lambda: 3);
        Assert.Equal([0.5, -2], regression.Weights.ToArray());
    }

    /// <summary>By hand: features 1 and 2 with targets 3 and 5, lambda 1, prior 0.5: (1 + 4 + 1) w = 3 + 10 + 0.5.</summary>
    [Fact]
    public void OneFeature_IsSolvedByHand()
    {
        var regression = new NormalEquations([0.5], lambda: 1);
        regression.Observe([1], 3);
        regression.Observe([2], 5);
        Assert.Equal(13.5 / 6, regression.Weights[0], 1e-12);
        Assert.Equal(13.5, regression.Predict([6]), 1e-12);
    }

    [Fact]
    public void Weight_CountsAsSoManyObservations()
    {
        var (once, thrice) = (new NormalEquations([0, 0], 0.1), new NormalEquations([0, 0], 0.1));
        once.Observe([1, 2], 3, weight: 3);
        once.Observe([2, -1], 1);
        for (var i = 0; i < 3; i++) thrice.Observe([1, 2], 3);
        thrice.Observe([2, -1], 1);
        for (var k = 0; k < 2; k++) Assert.Equal(thrice.Weights[k], once.Weights[k], 1e-12);
    }

    /// <summary>Replicas collect sums apart: joined in any order they are those of one regression that saw everything.</summary>
    [Fact]
    public void SumsOfTwoHalves_EqualThoseOfTheWhole()
    {
        var random = new SplitMix64(3);
        var whole = new NormalEquations(new double[6], 0.5);
        NormalEquations[] halves = [new(new double[6], 0.5), new(new double[6], 0.5)];
        for (var i = 0; i < 40; i++)
        {
            var (features, target) = Example(ref random, 6);
            whole.Observe(features, target);
            halves[i % 2].Observe(features, target);
        }
        var joined = new NormalEquations(new double[6], 0.5);
        joined.Add(halves[1].Gram, halves[1].Moment);
        joined.Add(halves[0].Gram, halves[0].Moment);
        for (var k = 0; k < 6; k++) Assert.Equal(whole.Weights[k], joined.Weights[k], 1e-10);
    }

    /// <summary>Two ways to the same weights: sums that are solved, and an inverse that is carried along.</summary>
    [Fact]
    public void RecursiveForm_EqualsTheNormalEquations()
    {
        var random = new SplitMix64(5);
        var recursive = new RecursiveLeastSquares(features: 7, targets: 2, lambda: 0.25);
        NormalEquations[] direct = [new(new double[7], 0.25), new(new double[7], 0.25)];
        for (var i = 0; i < 60; i++)
        {
            var (features, target) = Example(ref random, 7);
            recursive.Observe(features, [target, -target * features[0]]);
            direct[0].Observe(features, target);
            direct[1].Observe(features, -target * features[0]);
        }
        for (var o = 0; o < 2; o++)
        {
            for (var k = 0; k < 7; k++) Assert.Equal(direct[o].Weights[k], recursive.Weights[k * 2 + o], 1e-8);
        }
        var prediction = new double[2];
        recursive.Predict([1, 0, 0, 0, 0, 0, 2], prediction);
        Assert.Equal(direct[1].Predict([1, 0, 0, 0, 0, 0, 2]), prediction[1], 1e-8);
    }

    [Fact]
    public void Forgetting_FollowsAChange_AndKeepingDoesNot()
    {
        var (forgets, keeps) = (new RecursiveLeastSquares(3, 1, 0.1, 0.95), new RecursiveLeastSquares(3, 1, 0.1));
        var (sums, all) = (new NormalEquations(new double[3], 0.1), new NormalEquations(new double[3], 0.1));
        var random = new SplitMix64(7);
        for (var i = 0; i < 300; i++)
        {
            double[] features = [random.NextUniform(1), random.NextUniform(1), random.NextUniform(1)];
            var target = i < 200 ? features[0] : -features[0];
            forgets.Observe(features, [target]);
            keeps.Observe(features, [target]);
            sums.Forget(0.95);
            sums.Observe(features, target);
            all.Observe(features, target);
        }
        Assert.Equal(-1, forgets.Weights[0], 0.02);
        Assert.Equal(-1, sums.Weights[0], 0.05); // its prior is never forgotten and pulls a little
        Assert.True(keeps.Weights[0] > 0.1);
        Assert.True(all.Weights[0] > 0.1);
    }

    [Fact]
    public void Restored_GoesOnAsBefore()
    {
        var random = new SplitMix64(11);
        var first = new NormalEquations([1, 2, 3], 0.5);
        for (var i = 0; i < 10; i++) first.Observe(Example(ref random, 3).Features, i);
        var second = new NormalEquations([1, 2, 3], 0.5);
        second.Observe([9, 9, 9], 9);
        second.Restore(first.Gram, first.Moment);
        Assert.Equal(first.Weights.ToArray(), second.Weights.ToArray());
    }

    [Fact]
    public void WrongSizes_AreNamed()
    {
        var regression = new NormalEquations(new double[3], 1);
        var problem = Assert.Throws<ArgumentException>(() => regression.Add(new double[4], new double[2]));
        Assert.Contains("over 2 features do not fit a regression over 3", problem.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new NormalEquations([0], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RecursiveLeastSquares(1, 1, 1, 1.1));
    }

    private static (double[] Features, double Target) Example(ref SplitMix64 random, int size)
    {
        var features = new double[size];
        double target = random.NextUniform(0.3);
        for (var k = 0; k < size; k++)
        {
            features[k] = random.NextUniform(1);
            target += k * features[k];
        }
        return (features, target);
    }
}
