using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using RsrNet.Cli.Telemetry;
using Spectre.Console;

namespace RsrNet.Cli.Documents;

/// <summary><c>rsrnet show ID [--watch]</c>: how far a document's refinement is, and its summary.</summary>
internal static class ShowCommand
{
    /// <summary>Below it nothing can be told in single precision: such a residual is drawn as this one.</summary>
    private const double LeastResidual = 1e-9;

    public static Command Create(Terminal terminal)
    {
        var id = new Argument<string>("ID") { Description = "The document's id." };
        var watch = new Option<bool>("--watch") { Description = "Stays and prints each supervision step as it happens; Ctrl-C ends it." };
        var steps = NumberOption.Of("--steps", "Refines the document first, by so many supervision steps at most.", 0, least: 0, greatest: 1000);
        var until = NumberOption.Of("--until", "Refines it first, until both residuals are below this.", 0.0, least: 0, greatest: 0.999);
        var limit = NumberOption.Of("--time-limit", "Refines it first, for so many milliseconds at most; alone: until the tolerance is reached.", 0, least: 0, greatest: 600_000);
        var json = new Option<bool>("--json") { Description = "The server's JSON; with --watch one line for each step." };
        var url = ServerAddress.Option(terminal);
        var command = new Command("show", "Shows a document's refinement state and summary.") { id, watch, steps, until, limit, json, url };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            var path = $"v1/documents/{ServerClient.Escape(parsed.GetRequiredValue(id))}";
            var wish = new JsonObject();
            if (parsed.GetValue(steps) is > 0 and var most) wish["steps"] = most;
            if (parsed.GetValue(until) is > 0 and var residual) wish["untilResidual"] = residual;
            if (parsed.GetValue(limit) is > 0 and var milliseconds) wish["timeLimitMs"] = milliseconds;
            var document = await Read(server, path, parsed.GetRequiredValue(id), wish.Count > 0 ? wish : null, cancellation);
            if (parsed.GetValue(json)) terminal.ResultWriter.WriteLine(JsonText.Of(document));
            else Print(document, terminal);
            if (parsed.GetValue(watch)) await Follow(server, path, parsed.GetValue(json), terminal, cancellation);
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static async Task<JsonNode> Read(ServerClient server, string path, string id, JsonObject? wish, CancellationToken cancellation)
    {
        try
        {
            return wish is null ? await server.Get(path, cancellation) : await server.Post($"{path}/refine", wish, cancellation);
        }
        catch (ServerRefusedException refusal) when (refusal.Status == HttpStatusCode.NotFound)
        {
            throw new CommandException($"no document has the id '{id}'. `rsrnet documents` lists those there are.", refusal);
        }
    }

    private static async Task Follow(ServerClient server, string path, bool json, Terminal terminal, CancellationToken cancellation)
    {
        if (!json) terminal.Notice("watching; Ctrl-C ends this");
        var course = new Sparkline(24);
        try
        {
            await foreach (var data in server.Events($"{path}/events", cancellation))
            {
                if (json)
                {
                    terminal.ResultWriter.WriteLine(data);
                    continue;
                }
                var step = JsonNode.Parse(data);
                // Residuals fall by decades.
                // Where y stays where it is, the course is at its lowest.
                if (step.Number("residualY") is >= 0 and var residual) course.Add(Math.Log10(Math.Max(residual, LeastResidual)));
                terminal.ResultWriter.WriteLine(
                    $"step {step.Integer("step")}  weights {step.Integer("weightVersion")}  residual y {step.Number("residualY").Brief()}" +
                    $"  z {step.Number("residualZ").Brief()}  confidence {step.Number("confidence").Brief()}" +
                    $"  loss {step.Number("loss").Brief()}  {course}");
            }
            terminal.Notice("the server ended the stream of events");
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how watching ends.
        }
    }

    private static void Print(JsonNode document, Terminal terminal)
    {
        var console = terminal.Results;
        if (document.Text("title") is { Length: > 0 } title)
        {
            console.Write(new Text(Terminal.Printable(title) + "\n", new Style(decoration: Decoration.Bold)));
        }
        var facts = new Grid().AddColumn().AddColumn();
        void Add(string name, string? value)
        {
            if (value is not null) facts.AddRow(new Text(name), new Text(Terminal.Printable(value)));
        }
        Add("id", document.Text("id"));
        Add("revision", document.Integer("revision")?.ToString(CultureInfo.InvariantCulture));
        Add("status", document.Text("status"));
        Add("failure", document.Text("failure"));
        Add("step", document.Integer("step")?.ToString(CultureInfo.InvariantCulture));
        Add("weights", document.Integer("weightVersion")?.ToString(CultureInfo.InvariantCulture));
        if (document["residual"] is { } residual) Add("residual", $"y {residual.Number("y").Brief()}, z {residual.Number("z").Brief()}");
        Add("confidence", document.Number("confidence")?.ToString("0.000", CultureInfo.InvariantCulture));
        Add("loss", document.Number("loss") is { } loss ? ((double?)loss).Brief() : null);
        Add("similarity", document.Number("similarity")?.ToString("0.000", CultureInfo.InvariantCulture));
        console.Write(facts);

        var points = document.Items("trajectory")
            .Select(point => (point.Integer("step") ?? 0, point.Number("residualY") ?? 1, point.Number("residualZ") ?? 1)).ToList();
        if (points.Count > 0)
        {
            console.WriteLine();
            console.Write(new Text(ResidualChart.Draw(points, console.Profile.Width) + "\n"));
        }
        var summary = document.Items("summary").ToList();
        if (summary.Count == 0) return;
        console.WriteLine();
        console.WriteLine(document.Text("readout") is { } readout ? $"Summary ({readout})" : "Summary");
        foreach (var sentence in summary)
        {
            terminal.ResultWriter.WriteLine($"  - {Terminal.Printable(sentence.Text("sentence") ?? "").ReplaceLineEndings(" ")}");
            var reasons = sentence.Items("contributions").Where(one => one.Number("value") is > 0.005).Take(3)
                .Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Text("feature")} +{one.Number("value"):0.00}")).ToList();
            if (reasons.Count > 0) terminal.ResultWriter.WriteLine($"    because of {string.Join(", ", reasons)}");
        }
    }
}
