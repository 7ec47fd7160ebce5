using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Tests.Telemetry;

public sealed class TelemetryHistoryTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void FineTier_KeepsEverySecond_AndTheCoarseOnesMeans()
    {
        var history = Filled(1200);
        var now = Start.AddSeconds(1199);
        var recent = history.Read(HistorySeries.Loss, now, TimeSpan.FromSeconds(100), 1000);
        Assert.Equal(101, recent.Count);
        Assert.Equal((1099f, 1199f), (recent[0].Value, recent[^1].Value));
        var hour = history.Read(HistorySeries.Loss, now, TimeSpan.FromHours(1), 1000);
        Assert.Equal(120, hour.Count);
        Assert.Equal(4.5f, hour[0].Value);
        var week = history.Read(HistorySeries.Loss, now, TimeSpan.FromDays(7), 6000);
        Assert.Equal(59.5f, week[0].Value);
    }

    [Fact]
    public void Read_ThinsToTheWishedNumberOfPoints()
    {
        var points = Filled(600).Read(HistorySeries.Loss, Start.AddSeconds(599), TimeSpan.FromMinutes(10), 50);
        Assert.InRange(points.Count, 25, 51);
        Assert.True(points.Zip(points.Skip(1)).All(pair => pair.First.At < pair.Second.At && pair.First.Value < pair.Second.Value));
    }

    [Fact]
    public void Memory_IsBounded()
    {
        var points = Filled(5000).Read(HistorySeries.Loss, Start.AddSeconds(4999), TimeSpan.FromMinutes(10), 10_000);
        Assert.Equal(601, points.Count);
    }

    [Fact]
    public void Since_IsTheBeginningOfThePast()
    {
        Assert.Null(new TelemetryHistory().Since);
        // To two minutes: the coarsest tier reaches farthest back.
        Assert.Equal(Start, Filled(5).Since);
        Assert.Equal(Start, Filled(1200).Since);
    }

    [Fact]
    public void UnknownValues_AreGaps_NotZeros()
    {
        var history = new TelemetryHistory();
        history.Add(At(0, null));
        Assert.True(float.IsNaN(history.Read(HistorySeries.Loss, Start, TimeSpan.FromSeconds(10), 10)[0].Value));
    }

    [Fact]
    public void SavedAndLoaded_GoesOnWhereItStopped()
    {
        using var folder = new TemporaryFolder();
        var path = System.IO.Path.Combine(folder.Path, "history");
        var first = Filled(30);
        first.Save(path);
        first.Add(At(30, 30));
        var second = new TelemetryHistory();
        Assert.True(second.Load(path));
        second.Add(At(40, 40));
        var points = second.Read(HistorySeries.Loss, Start.AddSeconds(40), TimeSpan.FromSeconds(60), 100);
        Assert.Equal(31, points.Count);
        Assert.Equal((0f, 29f, 40f), (points[0].Value, points[^2].Value, points[^1].Value));
    }

    [Fact]
    public void Norms_AreKeptByTensor_OverARestart()
    {
        using var folder = new TemporaryFolder();
        var path = System.IO.Path.Combine(folder.Path, "history");
        var first = new TelemetryHistory();
        for (var i = 0; i < 5; i++) first.Add(At(i, i) with { ParameterNorms = new Dictionary<string, double> { ["fc1.weight"] = i, ["fc2.weight"] = 10 * i } });
        first.Save(path);
        var second = new TelemetryHistory();
        Assert.True(second.Load(path));
        // Another order, and one more: columns follow the names.
        second.Add(At(5, 5) with { ParameterNorms = new Dictionary<string, double> { ["fc3.weight"] = 7, ["fc2.weight"] = 50, ["fc1.weight"] = 5 } });
        var now = Start.AddSeconds(5);
        Assert.Equal([0, 1, 2, 3, 4, 5], second.ReadNorm("fc1.weight", now, TimeSpan.FromMinutes(1), 100).Select(point => point.Value));
        Assert.Equal([0, 10, 20, 30, 40, 50], second.ReadNorm("fc2.weight", now, TimeSpan.FromMinutes(1), 100).Select(point => point.Value));
        Assert.Equal(7, second.ReadNorm("fc3.weight", now, TimeSpan.FromMinutes(1), 100)[^1].Value);
        Assert.Empty(second.ReadNorm("nothing", now, TimeSpan.FromMinutes(1), 100));
    }

    [Fact]
    public void FileFromBeforeNormsWereKept_IsStillRead()
    {
        using var folder = new TemporaryFolder();
        var path = System.IO.Path.Combine(folder.Path, "history");
        Filled(30).Save(path);
        // The norms are the file's end: no tensor (4 bytes) and three empty tiers (12 each).
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^40]);
        var history = new TelemetryHistory();
        Assert.True(history.Load(path));
        Assert.Equal(30, history.Read(HistorySeries.Loss, Start.AddSeconds(29), TimeSpan.FromMinutes(1), 100).Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense that is no history at all")]
    public void DamagedFile_LeavesTheHistoryEmpty(string content)
    {
        using var folder = new TemporaryFolder();
        var path = System.IO.Path.Combine(folder.Path, "history");
        File.WriteAllText(path, content);
        var history = new TelemetryHistory();
        Assert.False(history.Load(path));
        Assert.Empty(history.Read(HistorySeries.Loss, Start, TimeSpan.FromHours(1), 10));
    }

    private static TelemetryHistory Filled(int seconds)
    {
        var history = new TelemetryHistory();
        for (var i = 0; i < seconds; i++) history.Add(At(i, i));
        return history;
    }

    private static TelemetrySnapshot At(int second, double? loss) => new()
    {
        At = Start.AddSeconds(second), Uptime = second, Accepted = 0, Duplicates = 0, ArticlesPerSecond = 1, Documents = new DocumentCounts(),
        Learned = 0, Steps = 0, RefusedGradients = 0, WeightVersion = 0, CheckpointVersion = 0, Loss = loss, Encoder = "e", Mode = "m",
    };
}
