using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class ReservoirTests
{
    [Fact]
    public void LongStream_KeepsEachItemEquallyOften()
    {
        var kept = new int[10];
        for (var seed = 0; seed < 500; seed++)
        {
            var reservoir = new Reservoir<string>(20, seed);
            for (var i = 0; i < 200; i++) reservoir.Add($"{i}");
            Assert.Equal(20, reservoir.Count);
            foreach (var item in reservoir.Items) kept[int.Parse(item, System.Globalization.CultureInfo.InvariantCulture) / 20]++;
        }
        // 1,000 expected in each tenth of the stream; deviation about 29.
        Assert.All(kept, count => Assert.InRange(count, 880, 1_120));
    }

    [Fact]
    public void Draw_HasEachItemAtMostOnce_AndTheSameSeedDrawsTheSame()
    {
        static List<string> Draw(int seed)
        {
            var reservoir = new Reservoir<string>(50, seed);
            for (var i = 0; i < 50; i++) reservoir.Add($"{i}");
            return reservoir.Draw(30);
        }
        var drawn = Draw(3);
        Assert.Equal(30, drawn.Distinct().Count());
        Assert.Equal(drawn, Draw(3));
        Assert.NotEqual(drawn, Draw(4));
    }

    [Fact]
    public void Removed_IsNeverDrawn()
    {
        var reservoir = new Reservoir<string>(5, 1);
        foreach (var item in (string[])["a", "b", "c"]) reservoir.Add(item);
        reservoir.Remove(item => item == "b");
        Assert.Equal(["a", "c"], reservoir.Draw(9).Order());
    }

    [Fact]
    public void Shrunk_TheNewComesInAtOnce()
    {
        var reservoir = new Reservoir<string>(10, 1);
        for (var i = 0; i < 1_000; i++) reservoir.Add("old");
        reservoir.Shrink(2);
        for (var i = 0; i < 8; i++) reservoir.Add("new");
        Assert.Equal(8, reservoir.Items.Count(item => item == "new"));
    }

    [Fact]
    public void RunningMean_IsExactUpToItsHorizon_AndFollowsAfterwards()
    {
        var mean = new RunningMean(2, horizon: 10);
        for (var i = 1; i <= 10; i++) mean.Add([i, -i]);
        Assert.Equal(5.5, mean.Mean[0], 1e-12);
        Assert.Equal(-5.5, mean.Mean[1], 1e-12);
        for (var i = 0; i < 60; i++) mean.Add([100, 0]);
        Assert.InRange(mean.Mean[0], 99, 100);
        Assert.Equal(70, mean.Count);
    }
}
