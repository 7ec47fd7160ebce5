using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace RsrNet.Cli.Documents;

/// <summary><c>rsrnet search TEXT</c>: the documents whose summary embeddings are nearest to a text's, or to another document's.</summary>
internal static class SearchCommand
{
    public static Command Create(Terminal terminal)
    {
        var text = new Argument<string[]>("TEXT")
        {
            Description = "What to search for; several words are one text.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var id = new Option<string?>("--id") { Description = "Searches by a document instead of a text.", HelpName = "ID" };
        var k = NumberOption.Of("--k", "At most so many results, 1 to 1000.", 10, least: 1, greatest: 1000);
        var json = new Option<bool>("--json") { Description = "JSON: {items: [{id, title, score}]}." };
        var url = ServerAddress.Option(terminal);
        var command = new Command("search", "Finds the nearest documents, best first.") { text, id, k, json, url };
        command.SetAction(async (parsed, cancellation) =>
        {
            var words = string.Join(' ', parsed.GetValue(text) ?? []);
            var document = parsed.GetValue(id);
            if (string.IsNullOrWhiteSpace(words) == (document is null))
            {
                throw new UsageException("search needs a text, or --id with a document's id");
            }
            var query = new JsonObject { ["k"] = parsed.GetValue(k) };
            if (document is null) query["text"] = words;
            else query["id"] = document;
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            JsonNode hits;
            try
            {
                hits = await server.Post("v1/search", query, cancellation);
            }
            catch (ServerRefusedException refusal) when (refusal.Status == HttpStatusCode.NotFound && document is not null)
            {
                throw new CommandException($"no document has the id '{document}'. `rsrnet documents` lists those there are.", refusal);
            }
            if (parsed.GetValue(json)) terminal.ResultWriter.WriteLine(JsonText.Of(hits));
            else Print(hits, terminal);
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static void Print(JsonNode hits, Terminal terminal)
    {
        var items = hits.Items("items").ToList();
        if (items.Count == 0)
        {
            terminal.Notice("nothing found");
            return;
        }
        // The title takes what the other columns leave of the line.
        var room = Math.Max(16, terminal.Results.Profile.Width - items.Max(item => item.Text("id")?.Length ?? 0) - 18);
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns(new TableColumn("score").RightAligned(), new TableColumn("id").NoWrap(), new TableColumn("title"));
        foreach (var item in items)
        {
            table.AddRow(
                new Text((item.Number("score") ?? 0).ToString("0.000", CultureInfo.InvariantCulture)),
                new Text(Terminal.Printable(item.Text("id") ?? "")),
                new Text(Terminal.Line(item.Text("title") ?? "", room)));
        }
        terminal.Results.Write(table);
    }
}
