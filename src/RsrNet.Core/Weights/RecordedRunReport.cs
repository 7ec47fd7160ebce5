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

    /// <summary>The kinds of recorded values, as their tensors' names begin.</summary>
    private static readonly string[] Kinds = ["loss", "gradnorm", "y", "z", "q", "final", "eval"];

    private readonly double? tolerance;

    internal RecordedRunReport(RecursionShape shape, int batches, int steps, IReadOnlyDictionary<string, double> deviations, double? tolerance)
    {
        Shape = shape;
        Batches = batches;
        Steps = steps;
        Deviations = deviations;
        this.tolerance = tolerance;
        Worst = Kinds
            .Select(kind => (Kind: kind, Values: deviations.Where(pair => pair.Key.StartsWith(kind + ".", StringComparison.Ordinal)).ToList()))
            .Where(group => group.Values.Count > 0)
            .ToDictionary(group => group.Kind, group => group.Values.Max(pair => pair.Value));
        Passed = Worst.All(pair => pair.Value <= ToleranceOf(pair.Key));
    }

    public RecursionShape Shape { get; }

    public int Batches { get; }

    /// <summary>Supervision steps over all batches.</summary>
    public int Steps { get; }

    /// <summary>Whether every kind is within its tolerance.</summary>
    public bool Passed { get; }

    /// <summary>||a - b|| / ||b|| of each tensor that was compared, by its name in the run; infinite where a number is not finite.</summary>
    public IReadOnlyDictionary<string, double> Deviations { get; }

    /// <summary>The largest of each kind: loss, gradnorm, y, z, q, final, eval; kinds that the run does not hold are left out.</summary>
    public IReadOnlyDictionary<string, double> Worst { get; }

    /// <summary>The first supervision step, as batch.step, with a value above its tolerance; null where there is none. Later ones follow from it.</summary>
    public string? FirstStepAbove => Deviations
        .Where(pair => pair.Value > ToleranceOf(pair.Key.Split('.')[0]) && pair.Key.Split('.') is { Length: 3 } parts && int.TryParse(parts[2], out _))
        .Select(pair => pair.Key.Split('.'))
        .OrderBy(parts => int.Parse(parts[1], CultureInfo.InvariantCulture)).ThenBy(parts => int.Parse(parts[2], CultureInfo.InvariantCulture))
        .Select(parts => $"{parts[1]}.{parts[2]}")
        .FirstOrDefault();

    /// <summary>What a kind may deviate by.</summary>
    public double ToleranceOf(string kind) => tolerance ?? (kind == "loss" ? LossTolerance : OtherTolerance);
}
