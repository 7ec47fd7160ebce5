using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace RsrNet.Cli.Telemetry;

/// <summary>One moment of a server as a table, with the recent course of what moves.</summary>
/// <param name="past">What <see cref="Past"/> answered: courses begin with it. Null begins them now.</param>
internal sealed class WatchView(Uri address, JsonNode? past = null)
{
    private const int Course = 40;

    /// <summary>Where the last seconds are asked for, one for each place of a course.</summary>
    public static readonly string Past = string.Create(CultureInfo.InvariantCulture, $"v1/telemetry/history?seconds={Course}&points={Course}");

    private readonly Dictionary<string, Sparkline> courses = new(StringComparer.Ordinal);

    /// <param name="Name">What it is.</param>
    /// <param name="Value">As it is said.</param>
    /// <param name="Number">As it is drawn; null for what has no course.</param>
    /// <param name="Series">Of the history; null where that has none.</param>
    /// <param name="Note">What the value is held against.</param>
    private sealed record Row(string Name, string Value, double? Number = null, string? Series = null, string Note = "")
    {
        /// <summary>Residuals fall by powers of ten: their course is that of the logarithm.</summary>
        public bool IsLogarithmic { get; init; }

        public double? Drawn(double? number) => IsLogarithmic ? number > 0 ? Math.Log10(number.Value) : null : number;
    }

    /// <summary>Everything in one line, where nobody could watch a table being redrawn.</summary>
    public static string Line(JsonNode? now) => string.Join(", ", Groups(now).SelectMany(group => group).Select(row => $"{row.Name} {row.Value}"));

    public IRenderable Draw(JsonNode? now)
    {
        var head = $"{now.Text("mode")} mode, {now.Text("encoder")}, up for {Uptime(now.Number("uptime"))}";
        List<IRenderable> rows = [new Markup($"[bold]RSR-Net[/] [grey]at {Markup.Escape(address.ToString())}  {Markup.Escape(head)}[/]")];
        foreach (var group in Groups(now))
        {
            var table = new Grid();
            table.AddColumn(new GridColumn { Width = 13, NoWrap = true });
            table.AddColumn(new GridColumn { Width = 9, NoWrap = true, Alignment = Justify.Right });
            table.AddColumn(new GridColumn { Width = Course, NoWrap = true, Padding = new Padding(2, 0, 2, 0) });
            table.AddColumn(new GridColumn { NoWrap = true });
            foreach (var row in group)
            {
                table.AddRow(
                    new Text(row.Name, new Style(Color.Grey)), new Text(row.Value, new Style(decoration: Decoration.Bold)),
                    new Text(CourseOf(row), new Style(Color.Teal)), new Text(row.Note, new Style(Color.Grey)));
            }
            rows.Add(new Text(""));
            rows.Add(table);
        }
        rows.Add(new Text(""));
        if (now.Text("problem") is { Length: > 0 } problem) rows.Add(new Text("PROBLEM: " + Terminal.Printable(problem), new Style(Color.Red)));
        rows.Add(new Text("Ctrl-C ends this", new Style(Color.Grey)));
        return new Rows(rows);
    }

    private string CourseOf(Row row)
    {
        if (!courses.TryGetValue(row.Name, out var line))
        {
            courses.Add(row.Name, line = new Sparkline(Course));
            if (row.Series is { } series && past?["series"]?[series] is JsonArray points)
            {
                foreach (var point in points)
                {
                    if (row.Drawn(point.Number("value")) is { } before) line.Add(before);
                }
            }
        }
        if (row.Drawn(row.Number) is { } number) line.Add(number);
        return row.Number is null ? "" : line.ToString();
    }

    private static IEnumerable<IReadOnlyList<Row>> Groups(JsonNode? now)
    {
        var documents = now?["documents"];
        var waiting = documents.Integer("pending") + documents.Integer("refining");
        Row Of(string name, string key, string? series = null, string note = "") => new(name, now.Number(key).Brief(), now.Number(key), series, note);

        yield return
        [
            Of("articles/s", "articlesPerSecond", "articles"),
            new Row("documents", Whole(documents.Integer("total"))),
            new Row("waiting", Whole(waiting), waiting, "backlog"),
            new Row(
                "converged", Percent(now.Number("convergedShare")), now.Number("convergedShare"), "converged",
                now.Number("stepsToTolerance") is null ? "" : $"in {now.Number("stepsToTolerance").Brief()} steps"),
            Of("residual y", "residualY", "residualY") with { IsLogarithmic = true },
            Of("residual z", "residualZ", "residualZ") with { IsLogarithmic = true },
        ];
        List<Row> learning =
        [
            Of("loss", "loss", "loss"),
            Of("similarity", "prequentialSimilarity", "similarity", now.Number("prequentialCopySimilarity") is null ? "" : $"the article itself {now.Number("prequentialCopySimilarity").Brief()}"),
        ];
        if (now.Number("prequentialRouge") is not null)
        {
            learning.Add(Of(
                "summaries", "prequentialRouge", "rouge",
                $"first sentences {now.Number("prequentialLeadRouge").Brief()}{(now.Text("readout") == "lead" ? ", which serve" : "")}"));
        }
        if (now?["calibration"] is { } calibration)
            learning.Add(new Row("confidence", calibration.Number("expectedError").Brief(), calibration.Number("expectedError"), "calibrationError", "off on average"));
        learning.Add(new Row("weights", Whole(now.Integer("weightVersion"))));
        learning.Add(Of("updates/s", "updatesPerSecond", "updates"));
        learning.Add(new Row("refused", Whole(now.Integer("refusedGradients"))));
        yield return learning;
    }

    private static string Percent(double? share) =>
        share is { } value ? value.ToString("P0", CultureInfo.InvariantCulture).Replace(" ", "", StringComparison.Ordinal) : "-";

    private static string Uptime(double? seconds) => seconds switch
    {
        null => "-",
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
    };

    private static string Whole(long? value) => value?.ToString("N0", CultureInfo.InvariantCulture) ?? "-";
}
