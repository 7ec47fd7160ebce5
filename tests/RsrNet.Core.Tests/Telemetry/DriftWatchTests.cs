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

    [Theory]
    [InlineData(42)]
    [InlineData(7)]
    public void NewswireStays_FiveThousandArticles_NoAlarm(int seed) => Assert.Empty(Drifts(new DemoNewswire(seed), 5_000));

    [Fact]
    public void QualityFalls_IsADrift_AndItsReturnIsNone()
    {
        var watch = new DriftWatch(4);
        var events = new List<DriftEvent>();
        for (var i = 0; i < 900; i++) events.AddRange(watch.OnJudged((i / 300 == 1 ? 0.2 : 0.5) + 0.05 * Math.Sin(i * 1.7), At));
        Assert.Equal(2, events.Count(change => change.IsDrift));
        Assert.Equal(2, events.Count(change => !change.IsDrift));
        Assert.All(events, change => Assert.Equal("quality", change.Signal));
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
