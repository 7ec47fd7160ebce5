using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

/// <summary>The stream is like the prequential cosine of news: mean 0.4, deviation 0.12.</summary>
public sealed class DriftDetectorTests
{
    private const int Streams = 20;

    private static Dictionary<string, Func<IDriftDetector>> Detectors => new() { ["adwin"] = () => new Adwin(), ["page-hinkley"] = () => new PageHinkley() };

    public static TheoryData<string> Names => ["adwin", "page-hinkley"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Stationary_FiveThousandSteps_NoAlarmInAnyOfTwentyStreams(string name)
    {
        for (var seed = 0; seed < Streams; seed++)
        {
            var detector = Detectors[name]();
            var random = new SplitMix64((ulong)seed);
            for (var step = 0; step < 5_000; step++) Assert.False(detector.Add(0.4 + 0.12 * Normal(ref random)), $"stream {seed}, step {step}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void MeanFallsByOneDeviation_IsFoundWithinTwoHundred_AndSaysFromWhereToWhere(string name)
    {
        for (var seed = 0; seed < Streams; seed++)
        {
            var detector = Detectors[name]();
            var random = new SplitMix64((ulong)seed + 100);
            for (var step = 0; step < 1_000; step++) Assert.False(detector.Add(0.4 + 0.12 * Normal(ref random)));
            var found = -1;
            for (var step = 0; step < 200 && found < 0; step++)
            {
                if (detector.Add(0.28 + 0.12 * Normal(ref random))) found = step;
            }
            Assert.True(found >= 0, $"stream {seed}: not found");
            Assert.Equal(0.4, detector.LastChange.Before, 0.03);
            Assert.InRange(detector.LastChange.After, 0.2, 0.36);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void MeanRises_IsFoundToo(string name)
    {
        var detector = Detectors[name]();
        var random = new SplitMix64(8);
        for (var step = 0; step < 500; step++) detector.Add(0.4 + 0.12 * Normal(ref random));
        var found = Enumerable.Range(0, 200).Any(_ => detector.Add(0.55 + 0.12 * Normal(ref random)));
        Assert.True(found);
        Assert.True(detector.LastChange.After > detector.LastChange.Before + 0.08);
    }

    [Fact]
    public void Adwin_AfterAChange_WindowHoldsTheNewMean()
    {
        var adwin = new Adwin();
        var random = new SplitMix64(4);
        for (var step = 0; step < 800; step++) adwin.Add(0.4 + 0.1 * Normal(ref random));
        Assert.Equal(800, adwin.Width);
        for (var step = 0; step < 400; step++) adwin.Add(0.1 + 0.1 * Normal(ref random));
        Assert.InRange(adwin.Width, 300, 440);
        Assert.Equal(0.1, adwin.Mean, 0.03);
    }

    [Fact]
    public void Adwin_Mean_IsThatOfItsWindow()
    {
        var adwin = new Adwin();
        double sum = 0;
        for (var step = 1; step <= 300; step++)
        {
            adwin.Add(step % 3);
            sum += step % 3;
            Assert.Equal(sum / step, adwin.Mean, 1e-9);
        }
    }

    // Sum of twelve uniforms: mean 0, deviation 1.
    private static double Normal(ref SplitMix64 random)
    {
        double sum = -6;
        for (var i = 0; i < 12; i++) sum += random.NextDouble();
        return sum;
    }
}
