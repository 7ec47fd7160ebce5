using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace RsrNet.Cli.Bench;

/// <summary><c>rsrnet bench</c>: performance, side by side with PyTorch where python3 has torch.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var rounds = NumberOption.Of("--rounds", "Samples of each side; medians are reported.", new BenchOptions().Rounds, 1);
        var only = new Option<string[]>("--only")
        {
            Description = $"Results to measure: {string.Join(", ", Benchmark.Names)}. Default all.",
            HelpName = "NAME",
            AllowMultipleArgumentsPerToken = true,
        };
        var json = new Option<bool>("--json")
        {
            Description = "JSON: {machine, results: [{name, batch?, threads?, unit, ours, peer?, ratio?, peerName?, spread?, note?}]}.",
        };
        var command = new Command("bench", "Measures the recursion and its kernels, taking turns with PyTorch where a python3 has it (RSRNET_PYTHON names one).")
        {
            rounds, only, json,
        };
        command.SetAction((parsed, cancellation) => Run(
            new BenchOptions { Rounds = parsed.GetValue(rounds), Only = parsed.GetValue(only) ?? [] }, parsed.GetValue(json), terminal, cancellation));
        return command;
    }

    /// <summary>Measures and prints.</summary>
    /// <exception cref="UsageException">A name to measure is not there.</exception>
    public static async Task<int> Run(BenchOptions options, bool json, Terminal terminal, CancellationToken cancellation = default)
    {
        if (options.Only.FirstOrDefault(name => !Benchmark.Names.Contains(name)) is { } unknown)
        {
            throw new UsageException($"--only: there is no '{unknown}'; there are {string.Join(", ", Benchmark.Names)}");
        }
        var report = await new Benchmark(options, threads => TorchPeer.Start(threads, terminal.Variable), terminal.Notice).Run(cancellation);
        if (json) terminal.ResultWriter.WriteLine(JsonText.Of(report));
        else Print(report, terminal);
        return RsrNetCommand.Done;
    }

    private static void Print(BenchReport report, Terminal terminal)
    {
        var (processor, cores, vectors, peak, runtime, peer) = report.Machine;
        terminal.ResultWriter.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{processor}, {cores} cores, {vectors}, {peak:0} GFLOP/s a core; .NET {runtime}; {peer}"));
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            new TableColumn("name"), new TableColumn("batch").RightAligned(), new TableColumn("threads").RightAligned(),
            new TableColumn("ours").RightAligned(), new TableColumn("spread"), new TableColumn("PyTorch").RightAligned(),
            new TableColumn("ratio").RightAligned(), new TableColumn("unit"));
        foreach (var result in report.Results)
        {
            table.AddRow(new[]
            {
                result.Name, Text(result.Batch), Text(result.Threads), Text(result.Ours), result.Spread ?? "",
                result.Peer is null ? "-" : Text(result.Peer), result.Ratio is null ? "-" : Text(result.Ratio),
                result.Note is null ? result.Unit : $"{result.Unit} ({result.Note})",
            }.Select(text => new Text(text)));
        }
        terminal.Results.Write(table);
    }

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Text(double? number) => number is { } value
        ? value.ToString(Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture)
        : "";
}
