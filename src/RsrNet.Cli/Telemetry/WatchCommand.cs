using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace RsrNet.Cli.Telemetry;

/// <summary><c>rsrnet watch</c>: the dashboard's numbers, live in a terminal.</summary>
internal static class WatchCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "One line of JSON for each second." };
        var url = ServerAddress.Option(terminal);
        var command = new Command("watch", "Shows a running server's numbers live: loss, residuals, backlog, weights; Ctrl-C ends it.") { json, url };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            var events = server.Events("v1/telemetry/events", cancellation);
            try
            {
                if (parsed.GetValue(json)) await Print(events, data => data, terminal);
                else if (terminal.ResultsAreWatched) await Draw(events, await server.Get(WatchView.Past, cancellation), server.Address, terminal);
                else await Print(events, data => WatchView.Line(JsonNode.Parse(data)), terminal);
                terminal.Notice("the server ended the stream of events");
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // Ctrl-C is how watching ends.
            }
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static async Task Print(IAsyncEnumerable<string> events, Func<string, string> line, Terminal terminal)
    {
        await foreach (var data in events) terminal.ResultWriter.WriteLine(line(data));
    }

    private static async Task Draw(IAsyncEnumerable<string> events, JsonNode? past, Uri address, Terminal terminal)
    {
        var view = new WatchView(address, past);
        await terminal.Results.Live(new Text("connecting ...")).AutoClear(true).StartAsync(async live =>
        {
            await foreach (var data in events)
            {
                live.UpdateTarget(view.Draw(JsonNode.Parse(data)));
                live.Refresh();
            }
        });
    }
}
