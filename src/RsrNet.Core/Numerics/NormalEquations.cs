namespace RsrNet.Core.Numerics;

/// <summary>
/// Recursive least squares in information form: the sums of the normal equations, from which the weights follow exactly at any time. Sums add up, so
/// those that several replicas collected are joined in any order; forgetting is one multiplication. K = features. Everything is double.
/// </summary>
/// <remarks>
/// Minimises sum f^(age) w_i (target_i - weights . features_i)^2 + lambda ||weights - prior||^2, Haykin: Adaptive Filter Theory, chapter "RLS", with
/// the inverse correlation matrix left uninverted: for the 10 to 20 features here the solution costs less than keeping an inverse well-conditioned.
/// </remarks>
public sealed class NormalEquations
{
    private readonly double[] prior;
    private readonly double lambda;
    private readonly double[] weights;
    private bool solved;

    /// <param name="prior">[K] the weights without any observation.</param>
    /// <param name="lambda">How many observations of unit features the prior counts for; above 0. It is never forgotten.</param>
    public NormalEquations(ReadOnlySpan<double> prior, double lambda)
    {
        if (!(lambda > 0)) throw new ArgumentOutOfRangeException(nameof(lambda), lambda, "the prior's weight must be above 0");
        this.prior = prior.ToArray();
        this.lambda = lambda;
        weights = prior.ToArray();
        Gram = new double[prior.Length * prior.Length];
        Moment = new double[prior.Length];
        solved = true;
    }

    /// <summary>K.</summary>
    public int Features => prior.Length;

    /// <summary>[K, K] sum of features features^T, without the prior.</summary>
    public double[] Gram { get; }

    /// <summary>[K] sum of features * target, without the prior.</summary>
    public double[] Moment { get; }

    /// <summary>[K] the solution for all that was observed.</summary>
    public ReadOnlySpan<double> Weights
    {
        get
        {
            if (!solved) Solve();
            return weights;
        }
    }

    /// <param name="features">[K]</param>
    public double Predict(ReadOnlySpan<double> features)
    {
        double sum = 0;
        var solution = Weights;
        for (var k = 0; k < solution.Length; k++) sum += solution[k] * features[k];
        return sum;
    }

    /// <param name="features">[K]</param>
    /// <param name="weight">How many observations it counts for; above 0.</param>
    public void Observe(ReadOnlySpan<double> features, double target, double weight = 1)
    {
        if (features.Length != Features) throw new ArgumentException($"{features.Length} features do not fit a regression over {Features}", nameof(features));
        for (var i = 0; i < features.Length; i++)
            DoubleMath.AddScaled(Gram.AsSpan(i * features.Length, features.Length), features, weight * features[i]);
        DoubleMath.AddScaled(Moment, features, weight * target);
        solved = false;
    }

    /// <summary>Adds sums that were collected elsewhere.</summary>
    /// <param name="gram">[K, K]</param>
    /// <param name="moment">[K]</param>
    public void Add(ReadOnlySpan<double> gram, ReadOnlySpan<double> moment)
    {
        if (gram.Length != Gram.Length || moment.Length != Moment.Length)
            throw new ArgumentException($"sums over {moment.Length} features do not fit a regression over {Features}");
        for (var i = 0; i < Gram.Length; i++) Gram[i] += gram[i];
        for (var i = 0; i < Moment.Length; i++) Moment[i] += moment[i];
        solved = false;
    }

    /// <summary>Makes all that was observed so far count less.</summary>
    /// <param name="factor">In (0, 1].</param>
    public void Forget(double factor)
    {
        if (factor == 1) return;
        for (var i = 0; i < Gram.Length; i++) Gram[i] *= factor;
        for (var i = 0; i < Moment.Length; i++) Moment[i] *= factor;
        solved = false;
    }

    /// <summary>Takes over saved sums.</summary>
    public void Restore(ReadOnlySpan<double> gram, ReadOnlySpan<double> moment)
    {
        Array.Clear(Gram);
        Array.Clear(Moment);
        Add(gram, moment);
    }

    /// <summary>(Gram + lambda I) weights = Moment + lambda prior by Cholesky; positive definite because lambda is above 0.</summary>
    private void Solve()
    {
        var n = Features;
        var lower = (double[])Gram.Clone();
        for (var i = 0; i < n; i++)
        {
            lower[i * n + i] += lambda;
            weights[i] = Moment[i] + lambda * prior[i];
        }
        for (var j = 0; j < n; j++)
        {
            for (var k = 0; k < j; k++)
            {
                var factor = lower[j * n + k];
                for (var i = j; i < n; i++) lower[i * n + j] -= lower[i * n + k] * factor;
            }
            var pivot = Math.Sqrt(Math.Max(lower[j * n + j], 1e-12 * lambda)); // rounding alone can bring it below lambda
            for (var i = j; i < n; i++) lower[i * n + j] /= pivot;
        }
        for (var i = 0; i < n; i++)
        {
            for (var k = 0; k < i; k++) weights[i] -= lower[i * n + k] * weights[k];
            weights[i] /= lower[i * n + i];
        }
        for (var i = n - 1; i >= 0; i--)
        {
            for (var k = i + 1; k < n; k++) weights[i] -= lower[k * n + i] * weights[k];
            weights[i] /= lower[i * n + i];
        }
        solved = true;
    }
}
