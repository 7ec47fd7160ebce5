using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;
using Spectre.Console.Rendering;

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
                else if (terminal.ResultsAreWatched) await Draw(events, server.Address, terminal);
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

    private static async Task Draw(IAsyncEnumerable<string> events, Uri address, Terminal terminal)
    {
        var view = new WatchView(address);
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

/// <summary>One moment of a server as a table, with the recent course of what moves.</summary>
internal sealed class WatchView(Uri address)
{
    private const int Course = 40;

    private readonly Dictionary<string, Sparkline> courses = new(StringComparer.Ordinal);

    /// <summary>Everything in one line, where nobody could watch a table being redrawn.</summary>
    public static string Line(JsonNode? now) => string.Join(
        ", ", Rows(now).Select(row => $"{row.Name} {row.Value}"));

    public IRenderable Draw(JsonNode? now)
    {
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumn("name").AddColumn(new TableColumn("value").RightAligned()).AddColumn("course");
        foreach (var (name, value, course) in Rows(now))
        {
            if (!courses.TryGetValue(name, out var line)) courses.Add(name, line = new Sparkline(Course));
            if (course is { } number) line.Add(number);
            table.AddRow(new Text(name), new Text(value, new Style(decoration: Decoration.Bold)), new Text(course is null ? "" : line.ToString(), new Style(Color.Teal)));
        }
        var rows = new List<IRenderable> { new Text($"RSR-Net at {address}"), table };
        if (now.Text("problem") is { Length: > 0 } problem) rows.Add(new Text("PROBLEM: " + Terminal.Printable(problem), new Style(Color.Red)));
        rows.Add(new Text("Ctrl-C ends this", new Style(Color.Grey)));
        return new Rows(rows);
    }

    private static IEnumerable<(string Name, string Value, double? Course)> Rows(JsonNode? now)
    {
        var documents = now?["documents"];
        var waiting = documents.Integer("pending") + documents.Integer("refining");
        yield return ("articles/s", now.Number("articlesPerSecond").Brief(), now.Number("articlesPerSecond"));
        yield return ("documents", Whole(documents.Integer("total")), null);
        yield return ("waiting", Whole(waiting), waiting);
        yield return ("converged", now.Number("convergedShare") is { } share ? share.ToString("P0", CultureInfo.InvariantCulture).Replace(" ", "", StringComparison.Ordinal) : "-", now.Number("convergedShare"));
        yield return ("loss", now.Number("loss").Brief(), now.Number("loss"));
        yield return ("similarity", now.Number("prequentialSimilarity").Brief(), now.Number("prequentialSimilarity"));
        yield return ("residual y", now.Number("residualY").Brief(), now.Number("residualY") is > 0 and var y ? Math.Log10(y) : null);
        yield return ("residual z", now.Number("residualZ").Brief(), now.Number("residualZ") is > 0 and var z ? Math.Log10(z) : null);
        yield return ("weights", Whole(now.Integer("weightVersion")), null);
        yield return ("updates/s", now.Number("updatesPerSecond").Brief(), now.Number("updatesPerSecond"));
        yield return ("refused", Whole(now.Integer("refusedGradients")), null);
    }

    private static string Whole(long? value) => value?.ToString("N0", CultureInfo.InvariantCulture) ?? "-";
}
