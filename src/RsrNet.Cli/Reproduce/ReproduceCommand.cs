using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RsrNet.Cli.Articles;
using RsrNet.Cli.Replicas;
using RsrNet.Core.Articles;
using RsrNet.Core.Embedding;
using RsrNet.Core.Evaluation.Experiments;
using RsrNet.Core.Replicas;
using Spectre.Console;

namespace RsrNet.Cli.Reproduce;

/// <summary><c>rsrnet reproduce NAME</c>: a notebook's experiment from its data to its figures and a plot.</summary>
internal static class ReproduceCommand
{
    private static readonly string[] Names = ["human-numbers", "char-lm", "fake-news", "ag-news", "rsr-net"];

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = $"One of {string.Join(", ", Names)}." };
        var data = new Option<string?>("--data")
        {
            Description = "Folder with the data (ag_news, arxiv, fakenewsnet, cnn_dailymail). Default shared/data beside the source tree, where it is. "
                + "human-numbers makes its own.",
            HelpName = "FOLDER",
        };
        var plot = new Option<string?>("--plot") { Description = "Where the plot goes. Default reproduce-NAME.svg in the current folder.", HelpName = "FILE" };
        var seed = NumberOption.Of("--seed", "Of weights and order.", 1, least: 0);
        var inner = new Option<bool>("--inner")
        {
            Description = "Leaves what judges alone, and lets the last fifth of what teaches judge: how the settings of human-numbers, ag-news and fake-news were chosen.",
        };
        var engine = EngineChoice.Option(terminal, byDefault: EngineCatalog.Auto);
        var json = new Option<bool>("--json") { Description = "JSON: {name, engine, figures: [{what, ours, atLeast?, atMost?, notebook?, met?}], seconds, plot}." };
        var command = new Command("reproduce", "Runs a notebook's experiment end to end, with a table of its figures and a plot.") { name, data, plot, seed, inner, engine, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var chosen = parsed.GetRequiredValue(name);
            if (!Names.Contains(chosen)) throw new UsageException($"there is no experiment '{chosen}'; there are {string.Join(", ", Names)}");
            if (parsed.GetValue(inner) && chosen is "char-lm" or "rsr-net") throw new UsageException($"{chosen} has the notebook's settings: nothing was chosen, so there is no --inner");
            var chosenEngine = parsed.GetRequiredValue(engine)!;
            var computes = chosen == "rsr-net" ? EngineChoice.Of(terminal, chosenEngine) : EngineChoice.ForText(terminal, chosenEngine);
            var clock = Stopwatch.StartNew();
            ExperimentReport report;
            try
            {
                report = await Run(chosen, parsed.GetValue(data), parsed.GetValue(seed), parsed.GetValue(inner), computes, terminal, cancellation);
            }
            catch (Exception problem) when (problem is InvalidDataException or JsonException)
            {
                throw new CommandException(problem.Message, problem);
            }
            var picture = Path.GetFullPath(parsed.GetValue(plot) ?? $"reproduce-{chosen}.svg");
            await File.WriteAllTextAsync(picture, LinePlot.Draw(report), cancellation);
            var seconds = Math.Round(clock.Elapsed.TotalSeconds, 1);
            if (parsed.GetValue(json)) terminal.ResultWriter.WriteLine(JsonText.Of(new { report.Name, engine = computes.Name, report.Figures, report.Notes, seconds, plot = picture }));
            else Print(report, computes.Name, seconds, picture, terminal);
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static async Task<ExperimentReport> Run(
        string name, string? folder, int seed, bool inner, EngineOffer engine, Terminal terminal, CancellationToken cancellation)
    {
        switch (name)
        {
            case "human-numbers":
                return new HumanNumbers(terminal.Notice, seed, inner ? HumanNumbers.InnerLength : 0, engine.OpenText, cancellation).Run();
            case "char-lm":
                return CharacterModel.Run(
                    CharacterModel.ReadAbstracts(Find(folder, "arxiv", "abstracts.jsonl")), terminal.Notice, seed, open: engine.OpenText,
                    cancellation: cancellation);
            case "fake-news":
                var headlines = TextClasses.ReadFakeNews(Find(folder, "fakenewsnet", "politifact_fake.csv"), Find(folder, "fakenewsnet", "politifact_real.csv"));
                return TextClasses.FakeNews(headlines, terminal.Notice, seed, inner: inner, open: engine.OpenText, cancellation: cancellation);
            case "ag-news":
                return TextClasses.AgNews(
                    TextClasses.ReadAgNews(Find(folder, "ag_news", "articles.csv")), terminal.Notice, seed, inner: inner, open: engine.OpenText,
                    cancellation: cancellation);
            default:
                var articles = await LabelledArticles.Read([Find(folder, "cnn_dailymail", "articles.csv")], new ArticleLimits(), terminal, cancellation);
                if (articles.Count < 10) throw new CommandException("the notebook needs at least ten articles with highlights");
                return RecursionNotebook.Run(articles, new HashedEncoder(), terminal.Notice, seed, open: engine.Create, cancellation: cancellation);
        }
    }

    /// <exception cref="CommandException">The file is not there.</exception>
    private static string Find(string? folder, string part, string file)
    {
        var roots = folder is null ? DefaultFolders() : [folder];
        foreach (var root in roots)
        {
            foreach (var path in (string[])[Path.Combine(root, part, file), Path.Combine(root, file)])
            {
                if (File.Exists(path)) return path;
            }
        }
        throw new CommandException(
            folder is null
                ? $"{part}/{file} is not in a folder shared/data beside this one or above it; name the folder that holds it with --data"
                : $"there is no {Path.Combine(folder, part, file)}; name the folder that holds {part} with --data");
    }

    /// <summary>shared/data in this folder, and in each above it.</summary>
    private static IEnumerable<string> DefaultFolders()
    {
        for (var at = new DirectoryInfo(Environment.CurrentDirectory); at is not null; at = at.Parent) yield return Path.Combine(at.FullName, "shared", "data");
    }

    private static void Print(ExperimentReport report, string engine, double seconds, string plot, Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            new TableColumn("figure"), new TableColumn("ours").RightAligned(), new TableColumn("should be").RightAligned(), new TableColumn(""));
        foreach (var figure in report.Figures)
        {
            var bar = figure.AtLeast is { } least ? $">= {Text(least)}" : figure.AtMost is { } most ? $"<= {Text(most)}" : "";
            table.AddRow(new[] { figure.What, Text(figure.Ours), bar, figure.Met switch { true => "met", false => "missed", null => "" } }.Select(text => new Text(text)));
        }
        terminal.Results.Write(table);
        foreach (var note in report.Notes) terminal.ResultWriter.WriteLine(Terminal.Printable(note));
        terminal.ResultWriter.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s on the engine {engine}; plot: {plot}"));
    }

    private static string Text(double number) =>
        number.ToString(Math.Abs(number) is > 0 and < 1e-3 ? "0.0e+0" : "0.000", CultureInfo.InvariantCulture);
}
