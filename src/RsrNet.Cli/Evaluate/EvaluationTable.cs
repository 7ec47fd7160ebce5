using System.Globalization;
using RsrNet.Core.Evaluation;
using RsrNet.Core.Numerics;
using Spectre.Console;

namespace RsrNet.Cli.Evaluate;

/// <summary>An evaluation for people: ours and the baselines side by side, ROUGE and MRR times 100.</summary>
internal static class EvaluationTable
{
    public static void Print(EvaluationReport report, Terminal terminal)
    {
        var (train, test, skipped) = report.Counts;
        var judged = report.Folds is { } folds
            ? $"{test:N0} articles in {folds:N0} parts, each judged by what learned from about {train:N0} others once; prequential over all"
            : $"learned from {train:N0} articles once, judged on {test:N0} others";
        terminal.ResultWriter.WriteLine(
            $"mode {report.Mode}, encoder {report.Encoder}: {judged}" + (skipped > 0 ? $", left out {skipped:N0}" : ""));
        terminal.Results.Write(Vectors(report));
        if (report.Prequential.Confidence is { } confidence) terminal.ResultWriter.WriteLine($"confidence along the stream, each before it was learned: {Calibrated(confidence)}");
        if (report.HeldOut is { } held)
        {
            terminal.Results.Write(Summaries(held));
            terminal.ResultWriter.WriteLine($"gain over the first three sentences, 95% interval: R1 {Gain(held.GainOverLead.R1)}, R2 {Gain(held.GainOverLead.R2)}, RLsum {Gain(held.GainOverLead.Rlsum)}");
            terminal.ResultWriter.WriteLine($"summaries by {string.Join(", ", held.Readouts.Select(pair => $"{pair.Key} {pair.Value}"))}");
            terminal.ResultWriter.WriteLine($"search vector (what /v1/search compares): MRR {Percent(held.SearchRetrieval.Mrr)}");
            terminal.ResultWriter.WriteLine($"confidence: {Calibrated(held.Confidence)}; against the median of these articles {Fraction(held.ConfidenceWithin.ExpectedError)}; said -> came true");
            terminal.ResultWriter.WriteLine("  " + string.Join("  ", held.Confidence.Bins.Select(bin => $"{bin.Probability.ToString("0.00", Culture)} -> {bin.Share.ToString("0.00", Culture)} ({bin.Count})")));
            terminal.ResultWriter.WriteLine("step: residual y, residual z, cosine");
            foreach (var step in held.ResidualByStep)
                terminal.ResultWriter.WriteLine($"  {step.Step}: {((double?)step.Y).Brief()}  {((double?)step.Z).Brief()}  {step.Similarity.ToString("0.0000", Culture)}");
        }
        var (encode, learn, judge) = report.Seconds;
        terminal.ResultWriter.WriteLine(string.Create(Culture,
            $"seconds: embedding {encode:0.0}, learning {learn:0.0} ({report.Learned / Math.Max(learn, 1e-3):0} articles/s), judging {judge:0.0}"));
    }

    private static Table Vectors(EvaluationReport report)
    {
        var table = Table("y", "prequential cosine", "mse x 1000", "held-out cosine", "mse x 1000", "MRR", "recall@1", "recall@10");
        var held = report.HeldOut;
        Row("ours", report.Prequential.Similarity, report.Prequential.Mse, held is null ? null : new BaselineReport(held.Similarity, held.Mse, held.Retrieval));
        foreach (var (name, score) in report.Prequential.Baselines) Row(name, score.Similarity, score.Mse, held?.Baselines[name]);
        return table;

        void Row(string name, double similarity, double mse, BaselineReport? judged) => table.AddRow(
            name, Fraction(similarity), (1000 * mse).ToString("0.000", Culture),
            judged is null ? "-" : Fraction(judged.Similarity), judged is null ? "-" : (1000 * judged.Mse).ToString("0.000", Culture),
            judged is null ? "-" : Percent(judged.Retrieval.Mrr), judged is null ? "-" : Percent(judged.Retrieval.Recall1),
            judged is null ? "-" : Percent(judged.Retrieval.Recall10));
    }

    private static Table Summaries(HeldOutReport held)
    {
        var table = Table("at most three sentences", "ROUGE-1", "ROUGE-2", "ROUGE-Lsum");
        foreach (var (name, means) in held.Rouge) table.AddRow(name, Percent(means.R1), Percent(means.R2), Percent(means.Rlsum));
        return table;
    }

    private static Table Table(string first, params string[] others)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn(first));
        foreach (var other in others) table.AddColumn(new TableColumn(other).RightAligned());
        return table;
    }

    private static CultureInfo Culture => CultureInfo.InvariantCulture;

    private static string Calibrated(Calibration confidence) =>
        $"AUROC {Fraction(confidence.Auroc)}, expected calibration error {Fraction(confidence.ExpectedError)} ({Fraction(confidence.ChanceError)} by chance alone)";

    private static string Gain(Interval gain) => string.Create(Culture, $"{100 * gain.Mean:+0.0;-0.0} ({100 * gain.Low:0.0} to {100 * gain.High:0.0})");

    private static string Fraction(double value) => value.ToString("0.000", Culture);

    private static string Percent(double value) => (100 * value).ToString("0.0", Culture);
}
