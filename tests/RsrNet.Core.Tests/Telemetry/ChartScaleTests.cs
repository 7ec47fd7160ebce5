using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Tests.Telemetry;

public sealed class ChartScaleTests
{
    [Fact]
    public void Ticks_AreRoundAndHoldEveryValue()
    {
        var scale = ChartScale.Of([0.013, 0.094]);
        Assert.True(scale.Low <= 0.013 && scale.High >= 0.094);
        Assert.Equal(["0", "0.05", "0.1"], scale.Ticks.Select(scale.Label));
        Assert.Equal(0.5, scale.Place(0.05), 9);
    }

    [Fact]
    public void Labels_OfSmallValuesCloseTogether_Differ()
    {
        var scale = ChartScale.Of([9.52e-4, 9.68e-4]);
        Assert.Equal(scale.Ticks.Count, scale.Ticks.Select(scale.Label).Distinct().Count());
    }

    [Fact]
    public void Logarithm_LeavesOutWhatItCannotShow()
    {
        var scale = ChartScale.Of([0.5, 0.002, 0, double.NaN], logarithmic: true);
        Assert.Equal((0.001, 1.0), (scale.Low, scale.High));
        Assert.Equal(1 / 3.0, scale.Place(0.01), 6);
    }

    [Theory]
    [InlineData(5.0)]
    [InlineData(0.0)]
    public void ValueThatNeverChanges_HasRoomAroundIt(double value)
    {
        var scale = ChartScale.Of([value, value]);
        Assert.True(scale.Low < value && value < scale.High);
    }

    [Fact]
    public void NoValues_GiveAnEmptyScale() => Assert.Equal((0.0, 1.0), (ChartScale.Of([]).Low, ChartScale.Of([]).High));
}
