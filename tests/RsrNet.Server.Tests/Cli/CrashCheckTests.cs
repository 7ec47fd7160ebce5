using RsrNet.Core.Weights;

namespace RsrNet.Server.Tests.Cli;

public sealed class CrashCheckTests
{
    [Fact]
    public void Script_ChecksTheBoundThatTheOptionsState() =>
        Assert.Contains(
            $"\nbound={new WeightOptions().CheckpointUpdates} ", File.ReadAllText(RepositoryFolder.Path("deploy/crash-check.sh")),
            StringComparison.Ordinal);

    /// <summary>The script that deploy/ has for a longer run, against the real program.</summary>
    [Fact]
    public async Task KilledDuringIngest_LosesNothingAcknowledged()
    {
        var script = RepositoryFolder.Path("deploy/crash-check.sh");
        var program = Path.Combine(AppContext.BaseDirectory, "rsrnet.dll");
        Assert.True(File.Exists(program), $"{program} is not beside the tests");
        var outcome = await Shell.Run(
            "bash", [script, "--kills", "3", "--articles", "1500", "--seed", "7", "--program", $"dotnet {program}"],
            TimeSpan.FromMinutes(5));
        TestContext.Current.TestOutputHelper?.WriteLine(outcome.Results);
        Assert.True(outcome.Code == 0, $"{outcome.Results}\n{outcome.Notices}");
        Assert.Contains("none missing, none twice", outcome.Results, StringComparison.Ordinal);
    }
}
