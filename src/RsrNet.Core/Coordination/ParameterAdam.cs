using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Coordination;

/// <summary>Clipping and Adam for a <see cref="ParameterSet"/>, after each gradient.</summary>
/// <param name="lazyTables">
/// Steps only those rows of tables that were used, as torch.optim.SparseAdam does; false moves all of them by their moments, as torch.optim.Adam does.
/// </param>
public sealed class ParameterAdam(ParameterSet parameters, CoordinationOptions options, AdamState? state = null, bool lazyTables = true)
{
    private readonly List<(int From, int To)> ranges = [];

    /// <summary>Made when it is first asked for: who only gives gradients to others never steps.</summary>
    public AdamState State => field ??= state ?? new AdamState(parameters.Values.Length);

    /// <summary>Learning rate of the next steps; the options' at first. A schedule writes here.</summary>
    public double LearningRate
    {
        get => options.LearningRate;
        set => options = options with { LearningRate = value };
    }

    /// <summary>Clips the gradient, steps, and clears the gradient.</summary>
    /// <returns>The gradient's norm before clipping; where it is not finite nothing was stepped.</returns>
    public double Apply()
    {
        ranges.Clear();
        // By number: an enumerator of the list would be allocated at each step.
        for (var index = 0; index < parameters.Parameters.Count; index++)
        {
            var parameter = parameters.Parameters[index];
            if (parameter.IsTable && lazyTables)
            {
                foreach (var row in parameter.TouchedRows)
                {
                    var from = parameter.Offset + row * parameter.Columns;
                    ranges.Add((from, from + parameter.Columns));
                }
            }
            else if (ranges.Count > 0 && ranges[^1].To == parameter.Offset) ranges[^1] = (ranges[^1].From, parameter.Offset + parameter.Length);
            else ranges.Add((parameter.Offset, parameter.Offset + parameter.Length));
        }
        var norm = Norm();
        if (double.IsFinite(norm))
        {
            FusedAdam.Step(
                parameters.Values, parameters.Gradient, GradientClip.Coefficient(norm, options.ClipNorm), State, options,
                System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ranges));
            parameters.OnChanged();
        }
        parameters.ClearGradient();
        return norm;
    }

    /// <summary>The 2-norm over all parameters.</summary>
    private double Norm()
    {
        double squares = 0;
        foreach (var (from, to) in ranges)
        {
            var norm = FusedAdam.Norm(parameters.Gradient.AsSpan(from, to - from));
            squares += norm * norm;
        }
        return Math.Sqrt(squares);
    }
}
