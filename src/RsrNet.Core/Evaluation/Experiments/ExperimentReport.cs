namespace RsrNet.Core.Evaluation.Experiments;

/// <summary>One number an experiment came to.</summary>
/// <param name="AtLeast">What it should reach; null where there is no such bar.</param>
/// <param name="AtMost">What it should stay below.</param>
/// <param name="Notebook">What the notebook shows, where that is known.</param>
public sealed record ExperimentFigure(string What, double Ours, double? AtLeast = null, double? AtMost = null, double? Notebook = null)
{
    /// <summary>Null where there is no bar.</summary>
    public bool? Met => AtLeast is { } least ? Ours >= least : AtMost is { } most ? Ours <= most : null;
}

/// <param name="Name">Of the line.</param>
/// <param name="Values">One for each step along the plot.</param>
public sealed record ExperimentCurve(string Name, IReadOnlyList<double> Values);

/// <summary>A text's place on a plane.</summary>
public readonly record struct ExperimentPlace(float X, float Y, string Label);

/// <param name="Name">Of the picture.</param>
public sealed record ExperimentMap(string Name, IReadOnlyList<ExperimentPlace> Places);

/// <param name="Curves">For the plot; lines of different lengths are drawn over the same width.</param>
/// <param name="Axis">What the plot shows.</param>
public sealed record ExperimentReport(
    string Name, IReadOnlyList<ExperimentFigure> Figures, IReadOnlyList<ExperimentCurve> Curves, string Axis, IReadOnlyList<string> Notes)
{
    /// <summary>Drawn below the curves, side by side.</summary>
    public IReadOnlyList<ExperimentMap> Maps { get; init; } = [];
}
