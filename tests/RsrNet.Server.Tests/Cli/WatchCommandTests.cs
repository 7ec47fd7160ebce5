using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using RsrNet.Cli.Telemetry;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Server.Tests.Http;
using Spectre.Console;

namespace RsrNet.Server.Tests.Cli;

/// <summary>watch and show --watch beside a real server that learns.</summary>
public sealed class WatchCommandTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CommandRun command = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Watch_PrintsTheNumbersAsTheyMove_UntilInterrupted()
    {
        await using var server = await RunningServer.Start(serverOptions: new ServerOptions { TelemetrySeconds = 0.1 }, learning: true);
        using var watching = new WatchedCommand(command, "watch", "--url", server.Address.ToString());
        await watching.Until(text => text.Contains("documents 0,", StringComparison.Ordinal));
        await server.Learner.Ingest([.. new DemoNewswire().From().Take(20)], Cancellation);
        await watching.Until(text => text.Contains("documents 20, waiting 0,", StringComparison.Ordinal));
        Assert.Equal(0, await watching.Interrupt());

        var lines = watching.Results.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.StartsWith("articles/s ", line, StringComparison.Ordinal));
        Assert.DoesNotContain("loss -", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShowWatch_FollowsTheStepsThatARefinementMakes_WithASparkline()
    {
        await using var server = await RunningServer.Start(learning: true);
        await server.Learner.Ingest([.. new DemoNewswire().From().Take(20)], Cancellation);
        for (var began = DateTime.UtcNow; (await server.Learner.ReadTelemetry(Cancellation)).Documents is not { Unfinished: 0, Total: 20 };)
        {
            Assert.True(DateTime.UtcNow - began < Patience, "20 articles were not refined in a minute");
            await Task.Delay(20, Cancellation);
        }
        using var watching = new WatchedCommand(command, "show", "demo-42-0000003", "--watch", "--url", server.Address.ToString());
        await watching.Until(text => text.Contains("watching", StringComparison.Ordinal));
        // The stream of events begins some time after the notice.
        for (var began = DateTime.UtcNow; Steps(watching).Length < 3; await Task.Delay(100, Cancellation))
        {
            Assert.True(DateTime.UtcNow - began < Patience, $"no steps were printed in a minute:\n{watching.Results}");
            await server.Learner.Refine("demo-42-0000003", new RefineRequest(1), Cancellation);
        }
        Assert.Equal(0, await watching.Interrupt());
        Assert.StartsWith("id", watching.Results[watching.Results.IndexOf('\n', StringComparison.Ordinal)..].TrimStart(), StringComparison.Ordinal);
        Assert.Contains("residual y", Steps(watching)[2], StringComparison.Ordinal);
        Assert.Equal(3, Steps(watching)[2].Count(letter => letter is >= '▁' and <= '█'));
    }

    private static string[] Steps(WatchedCommand watching) =>
        [.. watching.Results.Split('\n').SkipLast(1).Where(line => line.StartsWith("step ", StringComparison.Ordinal) && line.Contains("weights", StringComparison.Ordinal)
            && line.Contains("residual y", StringComparison.Ordinal))];

    [Fact]
    public void View_DrawsEveryFigureWithItsCourse_AndSaysWhatIsWrong()
    {
        var view = new WatchView(new Uri("http://127.0.0.1:5080/"));
        var drawn = "";
        for (var i = 0; i < 5; i++)
        {
            var now = JsonNode.Parse(string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                {"articlesPerSecond":{{40 + i}},"documents":{"total":{{100 * i}},"pending":3,"refining":{{i}}},"convergedShare":0.5,"loss":{{0.5 / (i + 1)}},
                 "residualY":{{1.0 / (1 << i)}},"residualZ":0.5,"weightVersion":{{1200 + i}},"updatesPerSecond":2,"refusedGradients":0,"problem":"the disk is full"}
                """));
            var text = new StringWriter();
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
            console.Profile.Width = 100;
            console.Write(view.Draw(now));
            drawn = text.ToString();
        }

        Assert.Contains("1,204", drawn, StringComparison.Ordinal);
        Assert.Contains("PROBLEM: the disk is full", drawn, StringComparison.Ordinal);
        Assert.Contains("▁▃▅▆█", drawn, StringComparison.Ordinal); // articles/s: 40 to 44
        Assert.Contains("█▆", drawn, StringComparison.Ordinal); // the residual falls by halves
    }

    /// <summary>A command that runs until it is interrupted, and what it has printed so far.</summary>
    private sealed class WatchedCommand : IDisposable
    {
        private readonly CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        private readonly Printed results = new(), notices = new();
        private readonly Task<int> running;

        public WatchedCommand(CommandRun command, params string[] arguments)
        {
            var terminal = command.Terminal(results, notices);
            running = Task.Run(() => RsrNet.Cli.RsrNetCommand.Run(arguments, terminal, interrupt.Token));
        }

        public string Results => results.ToString();

        public async Task Until(Func<string, bool> reached)
        {
            for (var began = DateTime.UtcNow; !reached(Results + notices);)
            {
                Assert.False(running.IsCompleted, $"the command ended by itself: {notices}");
                Assert.True(DateTime.UtcNow - began < Patience, $"not within a minute; printed so far:\n{Results}\n{notices}");
                await Task.Delay(50, Cancellation);
            }
        }

        public async Task<int> Interrupt()
        {
            await interrupt.CancelAsync();
            return await running.WaitAsync(Patience, Cancellation);
        }

        public void Dispose()
        {
            interrupt.Cancel();
            interrupt.Dispose();
        }
    }

    /// <summary>A writer that can be read while it is written to.</summary>
    private sealed class Printed : TextWriter
    {
        private readonly StringBuilder text = new();
        private readonly Lock gate = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            lock (gate) text.Append(value);
        }

        public override void Write(string? value)
        {
            lock (gate) text.Append(value);
        }

        public override string ToString()
        {
            lock (gate) return text.ToString();
        }
    }
}
