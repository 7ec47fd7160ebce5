namespace RsrNet.Core.Numerics;

/// <summary>
/// Anderson acceleration (Anderson 1965; Walker and Ni 2011) of a fixed-point iteration x = g(x): the next x is the mixture of the latest g(x) whose residuals
/// g(x) - x cancel best. One step costs m products of the vectors' length.
/// </summary>
/// <param name="memory">m, differences remembered; at least 1.</param>
public sealed class AndersonMixing(int memory)
{
    /// <summary>Share of the trace added to the normal equations: near the fixed point residuals are almost parallel.</summary>
    private const double Ridge = 1e-8;

    private readonly List<(double[] Residual, double[] Value)> differences = [];
    private double[]? residual;
    private double[]? value;

    /// <summary>Forgets the past: the map is another one from now on.</summary>
    public void Reset()
    {
        differences.Clear();
        (residual, value) = (null, null);
    }

    /// <param name="input">x</param>
    /// <param name="output">g(x)</param>
    /// <returns>The next x; g(x) itself where there is no past to learn from.</returns>
    public float[] Next(ReadOnlySpan<float> input, ReadOnlySpan<float> output)
    {
        var (lastResidual, lastValue) = (residual, value);
        residual = new double[output.Length];
        value = new double[output.Length];
        for (var i = 0; i < output.Length; i++) (residual[i], value[i]) = (output[i] - input[i], output[i]);
        if (lastResidual is not null)
        {
            // A residual that grew says that the past does not fit here any more.
            if (DoubleMath.Dot(residual, residual) > 4 * DoubleMath.Dot(lastResidual, lastResidual)) differences.Clear();
            else differences.Add((Less(residual, lastResidual), Less(value, lastValue!)));
            if (differences.Count > memory) differences.RemoveAt(0);
        }
        var next = output.ToArray();
        if (Weights() is not { } weights) return next;
        for (var i = 0; i < next.Length; i++)
        {
            var mixed = value[i];
            for (var k = 0; k < weights.Length; k++) mixed -= weights[k] * differences[k].Value[i];
            if (!double.IsFinite(mixed)) return output.ToArray();
            next[i] = (float)mixed;
        }
        return next;
    }

    /// <summary>The weights of the differences that leave the least of the residual: normal equations, by elimination with pivots.</summary>
    private double[]? Weights()
    {
        var m = differences.Count;
        if (m == 0) return null;
        var rows = new double[m][];
        double trace = 0;
        for (var i = 0; i < m; i++)
        {
            rows[i] = new double[m + 1];
            for (var k = 0; k < m; k++) rows[i][k] = DoubleMath.Dot(differences[i].Residual, differences[k].Residual);
            rows[i][m] = DoubleMath.Dot(differences[i].Residual, residual);
            trace += rows[i][i];
        }
        if (!(trace > 0)) return null;
        for (var i = 0; i < m; i++) rows[i][i] += Ridge * trace;
        for (var column = 0; column < m; column++)
        {
            var pivot = column;
            for (var i = column + 1; i < m; i++) if (Math.Abs(rows[i][column]) > Math.Abs(rows[pivot][column])) pivot = i;
            (rows[column], rows[pivot]) = (rows[pivot], rows[column]);
            for (var i = 0; i < m; i++)
            {
                if (i != column) DoubleMath.AddScaled(rows[i], rows[column], -rows[i][column] / rows[column][column]);
            }
        }
        return [.. rows.Select((row, i) => row[m] / row[i])];
    }

    private static double[] Less(double[] a, double[] b)
    {
        var difference = (double[])a.Clone();
        DoubleMath.AddScaled(difference, b, -1);
        return difference;
    }
}
