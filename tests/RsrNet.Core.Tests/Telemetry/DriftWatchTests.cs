using RsrNet.Core.Articles;
using RsrNet.Core.Embedding;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Tests.Telemetry;

public sealed class DriftWatchTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(42)]
    [InlineData(7)]
    [InlineData(3)]
    public void NewswireDrifts_IsFoundByBothWithinTwoHundredArticles(int seed)
    {
        var found = Drifts(new DemoNewswire(seed, driftAfter: 800), 1_000);
        Assert.All(found, drift => Assert.InRange(drift.Article, 800, 999));
        Assert.Equal(["adwin", "page-hinkley"], found.Select(drift => drift.Event.Detector).Distinct().Order());
        Assert.All(found, drift => Assert.True(drift.Event is { Signal: "familiarity", IsDrift: true }));
    }

    [Fact]
    public void NewswireStays_FiveThousandArticles_NoAlarm() => Assert.Empty(Drifts(new DemoNewswire(42), 5_000));

    [Fact]
    public void QualityFalls_IsADrift_AndItsReturnIsNone()
    {
        var watch = new DriftWatch(4);
        var events = new List<(int Step, DriftEvent Change)>();
        for (var i = 0; i < 900; i++)
            events.AddRange(watch.OnJudged((i / 300 == 1 ? 0.2 : 0.5) + 0.05 * Math.Sin(i * 1.7), At).Select(change => (i, change)));
        foreach (var detector in (string[])["adwin", "page-hinkley"])
        {
            var own = events.Where(found => found.Change.Detector == detector).ToList();
            Assert.InRange(own.First(found => found.Change.IsDrift).Step, 300, 340);
            Assert.InRange(own.First(found => !found.Change.IsDrift).Step, 600, 640);
        }
        // ADWIN may cut twice, the second time what it had left of the old; a fall is never told after the return.
        Assert.All(events, found => Assert.Equal(found.Step < 600, found.Change.IsDrift));
        Assert.All(events, found => Assert.Equal("quality", found.Change.Signal));
    }

    private static List<(int Article, DriftEvent Event)> Drifts(DemoNewswire wire, int count)
    {
        var encoder = new HashedEncoder();
        var watch = new DriftWatch(encoder.Dimensions);
        var found = new List<(int, DriftEvent)>();
        for (var i = 0; i < count; i++)
            found.AddRange(watch.OnArrived(encoder.Embed(wire.At(i)).X, At).Where(change => change.IsDrift).Select(change => (i, change)));
        return found;
    }
}
