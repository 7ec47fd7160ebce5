namespace RsrNet.Core.Replicas;

/// <summary>
/// nn.BatchNorm1d in plain loops, with PyTorch's defaults. B = rows, H = features; weight, bias, running mean and variance are [H].
/// </summary>
/// <param name="gradient">[parameters] the network's gradient; <see cref="Backward"/> adds to this layer's part.</param>
internal sealed class ReferenceBatchNorm(RecursionWeights weights, double[] gradient, string name)
{
    /// <summary>Added to the variance before the root.</summary>
    public const double Epsilon = 1e-5;

    /// <summary>Share of the batch in the running statistics.</summary>
    public const double Momentum = 0.1;

    private readonly ParameterSlot weight = weights.Layout.Parameters[weights.Layout.IndexOfParameter(name + ".weight")];
    private readonly ParameterSlot bias = weights.Layout.Parameters[weights.Layout.IndexOfParameter(name + ".bias")];
    private readonly ParameterSlot runningMean = weights.Layout.Statistics[weights.Layout.IndexOfStatistic(name + ".running_mean")];
    private readonly ParameterSlot runningVariance = weights.Layout.Statistics[weights.Layout.IndexOfStatistic(name + ".running_var")];

    private int Features => weight.Length;

    /// <summary>
    /// Training: normalises with the batch's mean and biased variance, and moves the running statistics towards its mean and unbiased
    /// variance.
    /// </summary>
    /// <param name="values">[B, H], B at least 2; replaced by the output.</param>
    /// <param name="normalised">[B, H]; overwritten with the values before weight and bias.</param>
    /// <param name="scale">[H]; overwritten with 1 / sqrt(variance + epsilon).</param>
    public void Forward(double[] values, double[] normalised, double[] scale, int rows)
    {
        var gamma = weight.Of(weights.Parameters);
        var beta = bias.Of(weights.Parameters);
        var means = runningMean.Of(weights.Statistics);
        var variances = runningVariance.Of(weights.Statistics);
        for (var h = 0; h < Features; h++)
        {
            double mean = 0, squares = 0;
            for (var row = 0; row < rows; row++) mean += values[row * Features + h];
            mean /= rows;
            for (var row = 0; row < rows; row++)
            {
                var distance = values[row * Features + h] - mean;
                squares += distance * distance;
            }
            scale[h] = 1 / Math.Sqrt(squares / rows + Epsilon);
            for (var row = 0; row < rows; row++)
            {
                var at = row * Features + h;
                normalised[at] = (values[at] - mean) * scale[h];
                values[at] = gamma[h] * normalised[at] + beta[h];
            }
            means[h] = (float)((1 - Momentum) * means[h] + Momentum * mean);
            variances[h] = (float)((1 - Momentum) * variances[h] + Momentum * squares / (rows - 1));
        }
    }

    /// <summary>The gradient through weight, bias and the batch's own mean and variance.</summary>
    /// <param name="values">[B, H] gradient of the output; replaced by the gradient of the input.</param>
    /// <param name="normalised">[B, H] of the forward pass.</param>
    /// <param name="scale">[H] of the forward pass.</param>
    public void Backward(double[] values, double[] normalised, double[] scale, int rows)
    {
        var gamma = weight.Of(weights.Parameters);
        for (var h = 0; h < Features; h++)
        {
            double sum = 0, product = 0;
            for (var row = 0; row < rows; row++)
            {
                var at = row * Features + h;
                sum += values[at];
                product += values[at] * normalised[at];
            }
            gradient[weight.Offset + h] += product;
            gradient[bias.Offset + h] += sum;
            for (var row = 0; row < rows; row++)
            {
                var at = row * Features + h;
                values[at] = gamma[h] * scale[h] * (values[at] - sum / rows - normalised[at] * product / rows);
            }
        }
    }

    /// <summary>Outside training: normalises with the running statistics, so that each row is on its own.</summary>
    /// <param name="values">[B, H]; replaced by the output.</param>
    public void Refine(double[] values, int rows)
    {
        var gamma = weight.Of(weights.Parameters);
        var beta = bias.Of(weights.Parameters);
        var means = runningMean.Of(weights.Statistics);
        var variances = runningVariance.Of(weights.Statistics);
        for (var row = 0; row < rows; row++)
        {
            for (var h = 0; h < Features; h++)
            {
                ref var value = ref values[row * Features + h];
                value = gamma[h] * (value - means[h]) / Math.Sqrt(variances[h] + Epsilon) + beta[h];
            }
        }
    }
}
