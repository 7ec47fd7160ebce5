using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class SharingGaugeTests
{
    [Fact]
    public void SharingIsFaster_IsChosenNearlyAlways() => Assert.InRange(Shared(new SharingGauge(), 1000, alone: 2, shared: 1), 960, 999);

    [Fact]
    public void SharingIsSlower_IsHardlyEverChosen() => Assert.InRange(Shared(new SharingGauge(), 1000, alone: 1, shared: 20), 1, 40);

    [Fact]
    public void CoresBecomeBusyAndIdleAgain_FollowsWithinSomeTries()
    {
        var gauge = new SharingGauge();
        Shared(gauge, 200, alone: 2, shared: 1);
        Shared(gauge, 100, alone: 2, shared: 10);
        Assert.InRange(Shared(gauge, 100, alone: 2, shared: 10), 0, 10);
        Shared(gauge, 600, alone: 2, shared: 1);
        Assert.InRange(Shared(gauge, 100, alone: 2, shared: 1), 90, 100);
    }

    [Fact]
    public void RareInterruptions_DoNotChangeTheChoice()
    {
        var gauge = new SharingGauge();
        Shared(gauge, 100, alone: 2, shared: 1);
        for (var i = 0; i < 20; i++)
        {
            gauge.Report(4, TimeSpan.FromSeconds(50), 1);
            Assert.InRange(Shared(gauge, 20, alone: 2, shared: 1), 17, 20);
        }
    }

    [Fact]
    public void FirstTryIsCold_DoesNotDecide()
    {
        var gauge = new SharingGauge();
        Shared(gauge, 1, alone: 20, shared: 20);
        Assert.InRange(Shared(gauge, 100, alone: 2, shared: 1), 90, 98);
    }

    [Fact]
    public void ThreadsMustBeWokenFirst_DoesNotDecide()
    {
        var gauge = new SharingGauge();
        Shared(gauge, 20, alone: 2, shared: 1);
        Shared(gauge, 20, alone: 2, shared: 10);
        var times = 0;
        var before = 1;
        for (var i = 0; i < 100; i++)
        {
            var threads = gauge.Choose(4);
            // A piece that follows one that was done alone finds the other threads asleep.
            gauge.Report(threads, TimeSpan.FromSeconds(threads == 1 ? 2 : before == 1 ? 5 : 1), 1);
            before = threads;
            if (threads > 1) times++;
        }
        Assert.InRange(times, 60, 100);
    }

    [Fact]
    public void OneThread_IsOne() => Assert.Equal(1, new SharingGauge().Choose(1));

    /// <summary>How many of so many pieces of work are shared, where each way takes as long as given.</summary>
    private static int Shared(SharingGauge gauge, int count, double alone, double shared)
    {
        var times = 0;
        for (var i = 0; i < count; i++)
        {
            var threads = gauge.Choose(4);
            if (threads > 1) times++;
            gauge.Report(threads, TimeSpan.FromSeconds(threads > 1 ? shared : alone), 1);
        }
        return times;
    }
}
