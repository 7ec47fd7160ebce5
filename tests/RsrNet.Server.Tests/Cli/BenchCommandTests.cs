using RsrNet.Cli.Bench;

namespace RsrNet.Server.Tests.Cli;

[Collection(AloneCollection.Name)]
public sealed class BenchCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Allocations_AreMeasuredAndAreNone()
    {
        var outcome = await command.Of("bench", "--only", "allocations", "--json");
        Assert.Equal(0, outcome.Code);
        var results = outcome.Json["results"]!.AsArray();
        Assert.Equal(["train-step", "inference", "recurrent-char"], results.Select(result => result!["note"]!.GetValue<string>()));
        Assert.All(results, result =>
        {
            Assert.Equal("allocations", result!["name"]!.GetValue<string>());
            Assert.Equal("bytes", result["unit"]!.GetValue<string>());
            Assert.Equal(0, result["ours"]!.GetValue<double>());
        });
        Assert.NotEmpty(outcome.Json["machine"]!["processor"]!.GetValue<string>());
    }

    [Fact]
    public async Task NoPython_PeersColumnSaysSo()
    {
        var outcome = await command.Of("bench", "--only", "inference", "--rounds", "1", "--json");
        Assert.Equal(0, outcome.Code);
        var results = outcome.Json["results"]!.AsArray();
        // Four sizes, on one thread and on two.
        Assert.Equal([1, 8, 64, 256, 1, 8, 64, 256], results.Select(result => result!["batch"]!.GetValue<int>()));
        Assert.Equal([1, 1, 1, 1, 2, 2, 2, 2], results.Select(result => result!["threads"]!.GetValue<int>()));
        Assert.All(results, result =>
        {
            Assert.True(result!["ours"]!.GetValue<double>() > 0);
            Assert.Null(result["peer"]);
            Assert.Null(result["ratio"]);
            Assert.Equal("no python3 with torch", result["note"]!.GetValue<string>());
        });
    }

    /// <summary>A stand-in that speaks the peer's protocol, and takes a second for everything.</summary>
    [Fact]
    public async Task Peer_TakesTurnsAndGivesTheRatio()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("the stand-in is a shell script");
            return;
        }
        var python = command.Write("python", "#!/bin/sh\necho '{\"version\": \"0.0\", \"threads\": 1}'\nwhile read -r kind size repeats; do echo 1.0; done\n");
        File.SetUnixFileMode(python, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        command.Set("RSRNET_PYTHON", python);
        var outcome = await command.Of("bench", "--only", "inference", "--rounds", "1", "--json");
        Assert.Equal(0, outcome.Code);
        Assert.All(outcome.Json["results"]!.AsArray(), result =>
        {
            Assert.Equal("PyTorch 0.0", result!["peerName"]!.GetValue<string>());
            Assert.Equal(1e6, result["peer"]!.GetValue<double>());
            Assert.Equal(1e6 / result["ours"]!.GetValue<double>(), result["ratio"]!.GetValue<double>(), 1e-3);
        });
    }

    [Fact]
    public async Task UnknownName_ExitsWithTwoAndNamesThoseThereAre()
    {
        var outcome = await command.Of("bench", "--only", "speed");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("train-step", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_MedianAndSpread()
    {
        var samples = new Samples();
        foreach (var value in (double[])[5, 1, 4, 2, 3, 3, 3, 3, 3, 3, 3]) samples.Add(value);
        Assert.Equal(3, samples.Median);
        Assert.Equal("-33% to +33%", samples.Spread());
    }
}
