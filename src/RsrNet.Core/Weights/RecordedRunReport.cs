using System.Globalization;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Weights;

/// <summary>How far an engine is from a recorded run.</summary>
public sealed class RecordedRunReport
{
    /// <summary>Largest relative deviation of a loss, unless told otherwise.</summary>
    public const double LossTolerance = 1e-4;

    /// <summary>Largest relative deviation of everything else, unless told otherwise.</summary>
    public const double OtherTolerance = 1e-3;

    private readonly double? tolerance;

    internal RecordedRunReport(
        RecursionShape shape, int batches, int steps, IReadOnlyDictionary<string, double> deviations, double? tolerance)
    {
        Shape = shape;
        Batches = batches;
        Steps = steps;
        Deviations = deviations;
        this.tolerance = tolerance;
        Worst = deviations
            .GroupBy(pair => pair.Key.Split('.')[0], pair => pair.Value)
            .ToDictionary(kind => kind.Key, kind => kind.Max());
        Passed = Worst.All(pair => pair.Value <= ToleranceOf(pair.Key));
    }

    public RecursionShape Shape { get; }

    public int Batches { get; }

    /// <summary>Supervision steps over all batches.</summary>
    public int Steps { get; }

    /// <summary>Whether every kind is within its tolerance.</summary>
    public bool Passed { get; }

    /// <summary>
    /// ||a - b|| / ||b|| of each tensor that was compared, by its name in the run; infinite where a number is not finite.
    /// </summary>
    public IReadOnlyDictionary<string, double> Deviations { get; }

    /// <summary>The largest of each kind: loss, gradnorm, y, z, q, final, eval; kinds that the run does not hold are left out.</summary>
    public IReadOnlyDictionary<string, double> Worst { get; }

    /// <summary>
    /// The first supervision step, as batch.step, with a value above its tolerance; null where there is none. Later ones follow from it.
    /// </summary>
    public string? FirstStepAbove => Deviations
        .Select(pair => (Parts: pair.Key.Split('.'), pair.Value))
        .Where(item => item.Parts is [not ("final" or "eval"), _, _] && item.Value > ToleranceOf(item.Parts[0]))
        .Select(item => (Batch: Number(item.Parts[1]), Step: Number(item.Parts[2])))
        .Order()
        .Select(at => $"{at.Batch}.{at.Step}")
        .FirstOrDefault();

    /// <summary>What a kind may deviate by.</summary>
    public double ToleranceOf(string kind) => tolerance ?? (kind == "loss" ? LossTolerance : OtherTolerance);

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);
}
