namespace RsrNet.Server.Tests.Cli;

/// <summary>The built program in a process of its own: what a shell sees of it.</summary>
public sealed class ProgramTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Results_GoToStandardOutputAlone()
    {
        var outcome = await Run("embed", "Rain in the north", "--json");
        Assert.Equal(0, outcome.Code);
        Assert.Equal(768, outcome.Json["dimensions"]!.GetValue<int>());
        Assert.Empty(outcome.Notices);
        Assert.DoesNotContain('\u001b', outcome.Results);
    }

    [Theory]
    [InlineData(0, "--version")]
    [InlineData(0, "serve", "--help")]
    [InlineData(1, "verify", "/no/such/run.safetensors")]
    [InlineData(2, "no-such-command")]
    [InlineData(2)]
    public async Task ExitCodes_ReachTheShell(int code, params string[] arguments)
    {
        var outcome = await Run(arguments);
        Assert.Equal(code, outcome.Code);
        Assert.Equal(code == 0, outcome.Notices.Length == 0);
    }

    private static Task<CommandOutcome> Run(params string[] arguments) =>
        Shell.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "rsrnet.dll"), .. arguments], Patience);
}
