using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using RsrNet.Core.Documents;
using Spectre.Console;

namespace RsrNet.Cli.Documents;

/// <summary><c>rsrnet documents</c>: the documents in order of arrival.</summary>
internal static class DocumentsCommand
{
    /// <summary>The most a server gives in one page.</summary>
    private const int PageLimit = 1000;

    public static Command Create(Terminal terminal)
    {
        var status = new Option<DocumentStatus?>("--status") { Description = "Only documents of this status.", HelpName = "STATUS" };
        var limit = NumberOption.Of("--limit", "At most so many.", 50, least: 1);
        var cursor = new Option<string?>("--cursor") { Description = "Goes on where an earlier list ended.", HelpName = "CURSOR" };
        var json = new Option<bool>("--json") { Description = "JSON: {items, next}." };
        var url = ServerAddress.Option(terminal);
        var command = new Command("documents", "Lists documents in order of arrival.")
        {
            status, limit, cursor, json, url, ReembedCommand.Create(terminal),
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            var (items, next) = await Read(server, parsed.GetValue(status), parsed.GetValue(limit), parsed.GetValue(cursor), cancellation);
            if (parsed.GetValue(json))
            {
                var list = new JsonObject { ["items"] = new JsonArray([.. items.Select(item => item.DeepClone())]) };
                if (next is not null) list["next"] = next;
                terminal.ResultWriter.WriteLine(JsonText.Of(list));
            }
            else
            {
                Print(items, terminal);
                if (next is not null) terminal.Notice($"There are more: --limit, or --cursor {next}");
            }
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static async Task<(List<JsonNode> Items, string? Next)> Read(
        ServerClient server, DocumentStatus? status, int limit, string? cursor, CancellationToken cancellation)
    {
        var items = new List<JsonNode>();
        do
        {
            var path = $"v1/documents?limit={Math.Min(limit - items.Count, PageLimit)}";
            if (status is { } wanted) path += $"&status={wanted.ToString().ToLowerInvariant()}";
            if (cursor is not null) path += $"&cursor={Uri.EscapeDataString(cursor)}";
            var page = await server.Get(path, cancellation);
            items.AddRange(page.Items("items"));
            cursor = page.Text("next");
        }
        while (cursor is not null && items.Count < limit);
        return (items, cursor);
    }

    private static void Print(List<JsonNode> items, Terminal terminal)
    {
        if (items.Count == 0)
        {
            terminal.Notice("no documents");
            return;
        }
        // The title takes what the other columns leave of the line.
        var room = Math.Max(16, terminal.Results.Profile.Width - items.Max(item => item.Text("id")?.Length ?? 0) - 62);
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns(new TableColumn("id").NoWrap(), new TableColumn("status"), new TableColumn("step").RightAligned(),
                new TableColumn("weights").RightAligned(), new TableColumn("residual y").RightAligned(),
                new TableColumn("similarity").RightAligned(), new TableColumn("title"));
        foreach (var item in items)
        {
            table.AddRow(
                new Text(Terminal.Printable(item.Text("id") ?? "")),
                new Text(item.Text("status") ?? ""),
                new Text((item.Integer("step") ?? 0).ToString(CultureInfo.InvariantCulture)),
                new Text(item.Integer("weightVersion")?.ToString(CultureInfo.InvariantCulture) ?? "-"),
                new Text((item["residual"].Number("y") ?? item.Number("residualY")).Brief()),
                new Text(item.Number("similarity").Brief()),
                new Text(Terminal.Line(item.Text("title") ?? "", room)));
        }
        terminal.Results.Write(table);
    }
}
