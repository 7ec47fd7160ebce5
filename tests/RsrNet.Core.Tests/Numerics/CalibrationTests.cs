using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class CalibrationTests
{
    [Fact]
    public void TrueOnesAlwaysHigher_AurocIsOne_AndTheOtherWayRoundZero()
    {
        Assert.Equal(1, Calibration.Of([(0.9, true), (0.8, true), (0.3, false)]).Auroc);
        Assert.Equal(0, Calibration.Of([(0.1, true), (0.8, false), (0.3, false)]).Auroc);
    }

    /// <summary>Of the four pairs, two are won, one is tied and one lost.</summary>
    [Fact]
    public void Ties_CountHalf() => Assert.Equal(2.5 / 4, Calibration.Of([(0.7, true), (0.4, true), (0.4, false), (0.5, false)]).Auroc, 1e-12);

    /// <summary>It is worked out while learning goes on, which must not stand still for it.</summary>
    [Fact]
    public void WhatIsNoNumber_ComesToAnEnd() =>
        Assert.True(double.IsFinite(Calibration.Of([(double.NaN, true), (0.4, false), (double.NaN, false), (0.5, true)]).Auroc));

    [Fact]
    public void OneKindMissing_SaysNothing() => Assert.Equal(0.5, Calibration.Of([(0.7, true), (0.4, true)]).Auroc);

    /// <summary>Bin 0.2..0.3: said 0.25, one of four; bin 0.9..1: said 0.95, one of two. Error: 4/6 * 0 + 2/6 * 0.45.</summary>
    [Fact]
    public void ExpectedError_IsCountedByHand()
    {
        var calibration = Calibration.Of([(0.25, true), (0.25, false), (0.25, false), (0.25, false), (0.95, true), (0.95, false)]);
        Assert.Equal(2.0 / 6 * 0.45, calibration.ExpectedError, 1e-12);
        Assert.Equal([4, 2], calibration.Bins.Select(bin => bin.Count));
        Assert.Equal(0.5, calibration.Bins[1].Share);
    }

    /// <summary>Outcomes drawn as the probabilities say.</summary>
    [Theory]
    [InlineData(300)]
    [InlineData(2_000)]
    public void ChanceError_IsWhatAPerfectOneShowsOnAverage(int count)
    {
        var random = new SplitMix64(1);
        double[] probabilities = [.. Enumerable.Range(0, count).Select(_ => random.NextDouble())];
        Calibration[] drawn = [.. Enumerable.Range(0, 200).Select(_ => Calibration.Of([.. probabilities.Select(p => (p, random.NextDouble() < p))]))];
        Assert.Equal(drawn.Average(one => one.ExpectedError), drawn[0].ChanceError, 0.08 * drawn[0].ChanceError);
    }

    [Fact]
    public void Line_IsFoundAgainInWhatItGave()
    {
        var line = new LogisticLine(-1, 2.5);
        var random = new SplitMix64(2);
        var judged = Enumerable.Range(0, 4_000).Select(_ =>
        {
            var score = 2.0 * random.NextUniform(1);
            return (score, random.NextDouble() < line.Probability(score));
        }).ToList();
        var found = new LogisticLine(0, 1).Fit(judged, weight: 1);
        Assert.Equal(-1, found.Offset, 0.15);
        Assert.Equal(2.5, found.Slope, 0.2);
    }

    [Fact]
    public void NothingJudged_LineStays() => Assert.Equal(new LogisticLine(0.5, 2), new LogisticLine(0.5, 2).Fit([], 5));
}
