namespace RsrNet.Core.Embedding;

/// <summary>
/// BART's encoder in plain loops, for one text: the truth that the fast network is compared with. Lewis et al. 2019; layers normalise after
/// the residual, as in Vaswani et al. 2017. T tokens, d width, h heads.
/// </summary>
internal static class ReferenceBart
{
    /// <summary>The last hidden state.</summary>
    /// <param name="ids">T ids.</param>
    /// <returns>[T, d].</returns>
    public static float[] Encode(BartWeights weights, ReadOnlySpan<int> ids)
    {
        var d = weights.Config.Width;
        var x = new float[ids.Length * d];
        for (var t = 0; t < ids.Length; t++)
        {
            for (var i = 0; i < d; i++)
                x[t * d + i] = weights.Tokens[ids[t] * d + i] * weights.Config.Scale + weights.Positions[(t + BartConfig.PositionOffset) * d + i];
        }
        Normalize(x, weights.EmbeddingNorm);
        foreach (var layer in weights.Layers)
        {
            Add(x, Linear(Attend(x, layer, weights.Config), layer.Output));
            Normalize(x, layer.AttentionNorm);
            var hidden = Linear(x, layer.In);
            for (var i = 0; i < hidden.Length; i++) hidden[i] = Gelu(hidden[i]);
            Add(x, Linear(hidden, layer.Out));
            Normalize(x, layer.FinalNorm);
        }
        return x;
    }

    /// <summary>x * P(normal variable below x): 0.5 x (1 + erf(x / sqrt 2)) (Hendrycks and Gimpel 2016), the exact form.</summary>
    public static float Gelu(float x) => (float)(0.5 * x * (1 + Erf(x / Math.Sqrt(2))));

    /// <summary>
    /// The error function, to the last digits of a double: its series at 0 below 3, a continued fraction of 1 - erf above (Abramowitz and
    /// Stegun 7.1.6, 7.1.14).
    /// </summary>
    public static double Erf(double x)
    {
        if (x < 0) return -Erf(-x);
        if (x > 6) return 1;
        if (x < 3)
        {
            double term = x, sum = x;
            for (var n = 1; term > 1e-18 * sum; n++)
            {
                term *= 2 * x * x / (2 * n + 1);
                sum += term;
            }
            return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
        }
        var fraction = x;
        for (var n = 60; n > 0; n--) fraction = x + n / 2.0 / fraction;
        return 1 - Math.Exp(-x * x) / (Math.Sqrt(Math.PI) * fraction);
    }

    /// <summary>Each head of each token takes the mean of all values, weighted by softmax(q k / sqrt(head width)).</summary>
    private static float[] Attend(float[] x, BartLayer layer, BartConfig config)
    {
        int d = config.Width, width = config.HeadWidth, rows = x.Length / d;
        float[] queries = Linear(x, layer.Query), keys = Linear(x, layer.Key), values = Linear(x, layer.Value);
        var result = new float[x.Length];
        var scores = new double[rows];
        for (var head = 0; head < d; head += width)
        {
            for (var t = 0; t < rows; t++)
            {
                for (var s = 0; s < rows; s++)
                {
                    scores[s] = 0;
                    for (var i = head; i < head + width; i++) scores[s] += queries[t * d + i] * keys[s * d + i] / Math.Sqrt(width);
                }
                var largest = scores.Max();
                var sum = 0.0;
                for (var s = 0; s < rows; s++) sum += scores[s] = Math.Exp(scores[s] - largest);
                for (var i = head; i < head + width; i++)
                {
                    var mean = 0.0;
                    for (var s = 0; s < rows; s++) mean += scores[s] / sum * values[s * d + i];
                    result[t * d + i] = (float)mean;
                }
            }
        }
        return result;
    }

    /// <returns>x times the weight transposed, plus the bias: [T, outputs].</returns>
    private static float[] Linear(float[] x, BartLinear linear)
    {
        int inputs = linear.Inputs, outputs = linear.Outputs, rows = x.Length / inputs;
        var result = new float[rows * outputs];
        for (var t = 0; t < rows; t++)
        {
            for (var o = 0; o < outputs; o++)
            {
                double sum = linear.Bias[o];
                for (var i = 0; i < inputs; i++) sum += (double)x[t * inputs + i] * linear.Weight[o * inputs + i];
                result[t * outputs + o] = (float)sum;
            }
        }
        return result;
    }

    private static void Add(float[] x, float[] more)
    {
        for (var i = 0; i < x.Length; i++) x[i] += more[i];
    }

    /// <summary>Each row to mean 0 and variance 1, then scaled and shifted.</summary>
    private static void Normalize(float[] x, BartNorm norm)
    {
        var d = norm.Scale.Length;
        for (var row = 0; row < x.Length; row += d)
        {
            double mean = 0, variance = 0;
            for (var i = 0; i < d; i++) mean += x[row + i] / (double)d;
            for (var i = 0; i < d; i++) variance += (x[row + i] - mean) * (x[row + i] - mean) / d;
            var deviation = Math.Sqrt(variance + BartConfig.Epsilon);
            for (var i = 0; i < d; i++) x[row + i] = (float)((x[row + i] - mean) / deviation * norm.Scale[i] + norm.Shift[i]);
        }
    }
}
