namespace RsrNet.Server.Tests.Cli;

public sealed class VerifyCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    private static string Run => RepositoryFolder.Path("tests/RsrNet.Core.Tests/Golden/run-12-8-4.safetensors");

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu")]
    public async Task RecordedRun_PassesWithItsDeviationsNamed(string engine)
    {
        var outcome = await command.Of("verify", Run, "--engine", engine, "--json");
        Assert.Equal(0, outcome.Code);
        Assert.True(outcome.Json["passed"]!.GetValue<bool>());
        Assert.Equal(0.001, outcome.Json["tolerance"]!.GetValue<double>());
        foreach (var kind in (string[])["loss", "gradnorm", "y", "z", "q", "final", "eval"])
        {
            Assert.InRange(outcome.Json["worst"]![kind]!.GetValue<double>(), 0, 1e-3);
        }
    }

    [Fact]
    public async Task DeviationAboveTheTolerance_ExitsWithOne()
    {
        var outcome = await command.Of("verify", Run, "--tolerance", "1e-12", "--json");
        Assert.Equal(1, outcome.Code);
        Assert.False(outcome.Json["passed"]!.GetValue<bool>());
        Assert.Equal(1e-12, outcome.Json["tolerance"]!.GetValue<double>());
        var table = await command.Of("verify", Run, "--tolerance", "1e-12");
        Assert.Equal(1, table.Code);
        Assert.Contains("ABOVE", table.Results, StringComparison.Ordinal);
        Assert.EndsWith("failed\n", table.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingFile_ExitsWithOneAndNamesIt()
    {
        var outcome = await command.Of("verify", Path.Combine(command.Folder, "nothing.safetensors"));
        Assert.Equal(1, outcome.Code);
        Assert.Contains("nothing.safetensors", outcome.Notices, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(5000)]
    public async Task CutFile_ExitsWithOneAndNamesIt(int length)
    {
        var path = Path.Combine(command.Folder, "cut.safetensors");
        var whole = await File.ReadAllBytesAsync(Run, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(path, whole[..length], TestContext.Current.CancellationToken);
        var outcome = await command.Of("verify", path, "--json");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("cut.safetensors", outcome.Notices, StringComparison.Ordinal);
        Assert.Empty(outcome.Results);
    }

    [Theory]
    [InlineData("--tolerance", "abc")]
    [InlineData("--tolerance", "0")]
    [InlineData("--engine", "steam")]
    public async Task WrongOption_ExitsWithTwo(string option, string value)
    {
        var outcome = await command.Of("verify", Run, option, value);
        Assert.Equal(2, outcome.Code);
        Assert.Contains(option, outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EngineOfTheFullEdition_IsSaidToBeThere()
    {
        var outcome = await command.Of("verify", Run, "--engine", "torch");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("./rsrnet --edition full", outcome.Notices, StringComparison.Ordinal);
    }
}
