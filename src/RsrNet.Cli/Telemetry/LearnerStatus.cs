using System.Globalization;
using RsrNet.Core.Telemetry;

namespace RsrNet.Cli.Telemetry;

/// <summary>The numbers of a learner in one line, with the recent course of the loss.</summary>
internal sealed class LearnerStatus
{
    private const int Course = 16;

    private readonly Sparkline losses = new(Course);
    private long lossVersion = -1;

    /// <param name="drawn">With the sparkline, for a terminal.</param>
    public string Describe(TelemetrySnapshot numbers, bool drawn)
    {
        if (numbers.Loss is { } latest && numbers.WeightVersion != lossVersion)
        {
            losses.Add(latest);
            lossVersion = numbers.WeightVersion;
        }
        var rate = numbers.ArticlesPerSecond.ToString(numbers.ArticlesPerSecond < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);
        var course = drawn && losses.ToString() is { Length: > 1 } line ? " " + line : "";
        var parts = new List<string>
        {
            $"{rate} articles/s",
            $"{numbers.Documents.Total:N0} documents",
            $"weights {numbers.WeightVersion:N0}",
            $"loss {numbers.Loss.Brief()}{course}",
            $"residual {numbers.ResidualY.Brief()}",
            numbers.ConvergedShare is { } share ? FormattableString.Invariant($"converged {100 * share:0}%") : "converged -",
        };
        // What the loss is for: predictions made before learning, and what they have to beat.
        if (numbers is { PrequentialSimilarity: { } ours, PrequentialCopySimilarity: { } copy })
            parts.Insert(4, FormattableString.Invariant($"similarity {ours:0.000} (copy {copy:0.000})"));
        if (numbers.Documents.Unfinished > 0) parts.Add($"{numbers.Documents.Unfinished:N0} waiting");
        if (numbers.Problem is { } problem) parts.Insert(0, $"PROBLEM: {problem}");
        return string.Join(drawn ? " · " : ", ", parts);
    }
}
