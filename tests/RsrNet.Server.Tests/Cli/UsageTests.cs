namespace RsrNet.Server.Tests.Cli;

public sealed class UsageTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Theory]
    [InlineData("no-such-command")]
    [InlineData("show")]
    [InlineData("show", "a", "--no-such-option")]
    [InlineData("show", "a", "--url", "not an address")]
    [InlineData("show", "a", "--url", "ftp://host")]
    [InlineData("documents", "--limit", "0")]
    [InlineData("documents", "--limit", "many")]
    [InlineData("documents", "--status", "lost")]
    [InlineData("search")]
    [InlineData("search", "text", "--k", "0")]
    [InlineData("search", "text", "--id", "a")]
    [InlineData("embed")]
    [InlineData("embed", "text", "--encoder", "nothing")]
    [InlineData("checkpoint")]
    [InlineData("checkpoint", "save", "--version", "3")]
    [InlineData("checkpoint", "load")]
    public async Task WrongCall_ExitsWithTwoAndSaysWhy(params string[] arguments)
    {
        var outcome = await command.Of(arguments);
        Assert.Equal(2, outcome.Code);
        Assert.Empty(outcome.Results);
        Assert.NotEmpty(outcome.Notices);
    }

    [Fact]
    public async Task WrongAddressInTheEnvironment_NamesTheVariable()
    {
        command.Set("RSRNET_URL", "nonsense");
        var outcome = await command.Of("documents");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("RSRNET_URL", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryCommand_HasHelp()
    {
        var commands = RsrNet.Cli.RsrNetCommand.Create(command.Terminal(TextWriter.Null, TextWriter.Null)).Subcommands;
        Assert.NotEmpty(commands);
        foreach (var known in commands)
        {
            var outcome = await command.Of(known.Name, "--help");
            Assert.Equal(0, outcome.Code);
            Assert.Contains("Usage:", outcome.Results, StringComparison.Ordinal);
            var options = known.Options.Concat(known.Subcommands.SelectMany(inner => inner.Options));
            Assert.All(options, option => Assert.NotEmpty(option.Description ?? ""));
        }
    }

    [Fact]
    public async Task TestWithoutTheLauncher_SaysWhereTestsRun()
    {
        var outcome = await command.Of("test");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("./rsrnet test", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoServer_ExitsWithOneAndSaysHowToStartOne()
    {
        var outcome = await command.Of("documents", "--url", "http://127.0.0.1:1");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("rsrnet serve", outcome.Notices, StringComparison.Ordinal);
    }
}
