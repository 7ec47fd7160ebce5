namespace RsrNet.Core.Replicas;

/// <summary>Confidence and loss of one row: q = sigmoid(max_j y_j); loss = mse(y, t) + 0.1 * bce(q, 1).</summary>
internal static class ReferenceLoss
{
    /// <summary>Weight of the confidence's part.</summary>
    public const double ConfidenceWeight = 0.1;

    /// <param name="y">[d]</param>
    /// <param name="best">The first index of the largest y, which gets the gradient; PyTorch's max does the same.</param>
    /// <returns>q, in [0, 1].</returns>
    public static double Confidence(ReadOnlySpan<double> y, out int best)
    {
        best = 0;
        for (var j = 1; j < y.Length; j++)
        {
            if (y[j] > y[best] || double.IsNaN(y[j])) best = j;
        }
        return 1 / (1 + Math.Exp(-y[best]));
    }

    /// <param name="y">[d]</param>
    /// <param name="t">[d]</param>
    /// <returns>The row's loss; PyTorch's bce holds the logarithm at -100 or above.</returns>
    public static double Forward(ReadOnlySpan<double> y, ReadOnlySpan<float> t, double q)
    {
        double squares = 0;
        for (var j = 0; j < y.Length; j++) squares += (y[j] - t[j]) * (y[j] - t[j]);
        return squares / y.Length - ConfidenceWeight * Math.Max(Math.Log(q), -100);
    }

    /// <summary>
    /// The gradient of the batch's loss, the mean over its rows: d mse = 2 (y - t) / d; d bce(sigmoid(y_best), 1) = q - 1, which PyTorch
    /// takes as (q - 1) / max(q (1 - q), 1e-12) * q (1 - q): it vanishes where the sigmoid is flat.
    /// </summary>
    /// <param name="gradient">[d]; overwritten.</param>
    /// <param name="rows">B</param>
    public static void Backward(ReadOnlySpan<double> y, ReadOnlySpan<float> t, double q, int best, Span<double> gradient, int rows)
    {
        for (var j = 0; j < y.Length; j++) gradient[j] = 2 * (y[j] - t[j]) / y.Length / rows;
        var slope = q * (1 - q);
        gradient[best] += ConfidenceWeight * (q - 1) / Math.Max(slope, 1e-12) * slope / rows;
    }
}
