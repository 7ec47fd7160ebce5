namespace RsrNet.Core.Numerics;

/// <summary>
/// Recursive least squares with many features and many targets: the inverse correlation matrix P is kept, so that an observation costs K^2 + K O and
/// nothing is ever solved. K = features, O = targets. Haykin: Adaptive Filter Theory, table "RLS". For few features, <see cref="NormalEquations"/>.
/// </summary>
public sealed class RecursiveLeastSquares
{
    private readonly double forgetting;
    private readonly double[] gain;
    private readonly double[] error;

    /// <param name="features">K</param>
    /// <param name="targets">O</param>
    /// <param name="lambda">Ridge: weight of the prior that all weights are 0; above 0.</param>
    /// <param name="forgetting">What an observation's weight is multiplied with at each later one; in (0, 1]; 1 forgets nothing.</param>
    public RecursiveLeastSquares(int features, int targets, double lambda, double forgetting = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(targets, 1);
        if (!(lambda > 0)) throw new ArgumentOutOfRangeException(nameof(lambda), lambda, "the prior's weight must be above 0");
        if (!(forgetting is > 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(forgetting), forgetting, "must be above 0 and at most 1");
        this.forgetting = forgetting;
        Inverse = new double[features * features];
        Weights = new double[features * targets];
        gain = new double[features];
        error = new double[targets];
        for (var k = 0; k < features; k++) Inverse[k * features + k] = 1 / lambda;
    }

    public int Features => gain.Length;

    public int Targets => error.Length;

    /// <summary>[K, K] P. With <see cref="Weights"/> the whole state: save both to go on later.</summary>
    public double[] Inverse { get; }

    /// <summary>[K, O]</summary>
    public double[] Weights { get; }

    /// <param name="features">[K]</param>
    /// <param name="prediction">[O]; overwritten.</param>
    public void Predict(ReadOnlySpan<double> features, Span<double> prediction)
    {
        prediction.Clear();
        for (var k = 0; k < Features; k++) DoubleMath.AddScaled(prediction, Weights.AsSpan(k * Targets, Targets), features[k]);
    }

    /// <param name="features">[K]</param>
    /// <param name="targets">[O]</param>
    public void Observe(ReadOnlySpan<double> features, ReadOnlySpan<double> targets)
    {
        // gain = P x / (f + x' P x); error = target - W' x; W += gain error'; P = (P - gain (P x)') / f. P is symmetric: its rows are its columns.
        double energy = forgetting;
        for (var k = 0; k < Features; k++)
        {
            gain[k] = DoubleMath.Dot(Inverse.AsSpan(k * Features, Features), features);
            energy += gain[k] * features[k];
        }
        Predict(features, error);
        for (var o = 0; o < Targets; o++) error[o] = targets[o] - error[o];
        for (var k = 0; k < Features; k++)
        {
            DoubleMath.AddScaled(Inverse.AsSpan(k * Features, Features), gain, -gain[k] / energy);
            DoubleMath.AddScaled(Weights.AsSpan(k * Targets, Targets), error, gain[k] / energy);
        }
        if (forgetting == 1) return;
        for (var i = 0; i < Inverse.Length; i++) Inverse[i] /= forgetting;
    }
}
