using System.CommandLine;
using System.Globalization;
using RsrNet.Core.Weights;
using Spectre.Console;

namespace RsrNet.Cli.Replicas;

/// <summary><c>rsrnet verify RUN.safetensors</c>: replays a run recorded in PyTorch and says how far the engine is from it.</summary>
internal static class VerifyCommand
{
    public static Command Create(Terminal terminal)
    {
        var run = new Argument<string>("RUN") { Description = "A recorded run, a safetensors file." };
        var tolerance = new Option<double?>("--tolerance")
        {
            Description = "The largest relative deviation allowed, for everything. "
                + FormattableString.Invariant(
                    $"Default {RecordedRunReport.LossTolerance} on losses and {RecordedRunReport.OtherTolerance} on the rest."),
            HelpName = "R",
            CustomParser = result =>
            {
                var text = result.Tokens.Single().Value;
                if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number > 0) return number;
                result.AddError($"--tolerance is a number above 0, such as 0.001; not '{text}'");
                return null;
            },
        };
        var engine = EngineChoice.Option(terminal, byDefault: "reference");
        var json = new Option<bool>("--json") { Description = "JSON: {passed, tolerance, worst: {loss, gradnorm, y, z, q, final, eval}}." };
        var command = new Command("verify", "Replays a recorded PyTorch run; exit code 1 where a deviation is above the tolerance.")
        {
            run, tolerance, engine, json,
        };
        command.SetAction(parsed =>
        {
            var create = EngineChoice.Of(terminal, parsed.GetValue(engine)).Create;
            var report = Read(parsed.GetRequiredValue(run)).Replay(create, tolerance: parsed.GetValue(tolerance));
            if (parsed.GetValue(json)) PrintJson(report, terminal);
            else Print(report, terminal);
            return report.Passed ? RsrNetCommand.Done : RsrNetCommand.Failed;
        });
        return command;
    }

    private static RecordedRun Read(string path)
    {
        try
        {
            return RecordedRun.Read(path);
        }
        catch (FileNotFoundException problem)
        {
            throw new CommandException($"{path}: there is no such file", problem);
        }
        catch (InvalidDataException problem)
        {
            throw new CommandException(problem.Message, problem);
        }
    }

    private static void PrintJson(RecordedRunReport report, Terminal terminal) => terminal.ResultWriter.WriteLine(JsonText.Of(new
    {
        passed = report.Passed,
        tolerance = report.ToleranceOf("y"),
        lossTolerance = report.ToleranceOf("loss"),
        // JSON has no infinity, which stands for a number that is not finite.
        worst = report.Worst.ToDictionary(pair => pair.Key, pair => double.IsFinite(pair.Value) ? pair.Value : double.MaxValue),
        batches = report.Batches,
        steps = report.Steps,
        firstStepAbove = report.FirstStepAbove,
    }));

    private static void Print(RecordedRunReport report, Terminal terminal)
    {
        var (d, h, l) = report.Shape;
        terminal.ResultWriter.WriteLine($"d {d}, h {h}, L {l}; {report.Batches} batches, {report.Steps} supervision steps");
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns(
                new TableColumn("compared"), new TableColumn("largest deviation").RightAligned(),
                new TableColumn("allowed").RightAligned(), new TableColumn(""));
        foreach (var (kind, worst) in report.Worst)
        {
            var allowed = report.ToleranceOf(kind);
            table.AddRow(
                new Text(kind), new Text(Scientific(worst)), new Text(Scientific(allowed)),
                new Text(worst <= allowed ? "ok" : "ABOVE", new Style(worst <= allowed ? Color.Green : Color.Red)));
        }
        terminal.Results.Write(table);
        if (report.FirstStepAbove is { } first)
        {
            terminal.ResultWriter.WriteLine($"first above the tolerance at batch.step {first}; what comes later follows from it");
        }
        terminal.ResultWriter.WriteLine(report.Passed ? "passed" : "failed");
    }

    private static string Scientific(double value) => value.ToString("0.0e+0", CultureInfo.InvariantCulture);
}
