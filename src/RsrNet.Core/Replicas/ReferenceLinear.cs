namespace RsrNet.Core.Replicas;

/// <summary>
/// nn.Linear in plain loops. B = rows, I = inputs, O = outputs; weight [O, I], bias [O]. Numbers are double, parameters float.
/// </summary>
/// <param name="gradient">[parameters] the network's gradient; <see cref="Backward"/> adds to this layer's part.</param>
internal sealed class ReferenceLinear(RecursionWeights weights, double[] gradient, string name)
{
    private readonly ParameterSlot weight = weights.Layout.Parameters[weights.Layout.IndexOfParameter(name + ".weight")];
    private readonly ParameterSlot bias = weights.Layout.Parameters[weights.Layout.IndexOfParameter(name + ".bias")];

    private int Inputs => weight.Columns;

    private int Outputs => weight.Rows;

    /// <summary>output = input weight^T + bias.</summary>
    /// <param name="input">[B, I]</param>
    /// <param name="output">[B, O]; overwritten.</param>
    public void Forward(double[] input, double[] output, int rows)
    {
        var w = weight.Of(weights.Parameters);
        var b = bias.Of(weights.Parameters);
        for (var row = 0; row < rows; row++)
        {
            var x = input.AsSpan(row * Inputs, Inputs);
            for (var o = 0; o < Outputs; o++)
            {
                var wo = w.Slice(o * Inputs, Inputs);
                double sum = b[o];
                for (var i = 0; i < x.Length; i++) sum += x[i] * wo[i];
                output[row * Outputs + o] = sum;
            }
        }
    }

    /// <summary>dW += dOut^T input; db += sum of dOut over the rows; dIn += dOut W.</summary>
    /// <param name="input">[B, I] of the forward pass.</param>
    /// <param name="outputGradient">[B, O]</param>
    /// <param name="inputGradient">[B, I]; added to.</param>
    public void Backward(double[] input, double[] outputGradient, double[] inputGradient, int rows)
    {
        var w = weight.Of(weights.Parameters);
        var dw = gradient.AsSpan(weight.Offset, weight.Length);
        var db = gradient.AsSpan(bias.Offset, bias.Length);
        for (var row = 0; row < rows; row++)
        {
            var x = input.AsSpan(row * Inputs, Inputs);
            var dx = inputGradient.AsSpan(row * Inputs, Inputs);
            for (var o = 0; o < Outputs; o++)
            {
                var d = outputGradient[row * Outputs + o];
                if (d == 0) continue; // a closed ReLU: half of the rows of fc1 and fc2
                var wo = w.Slice(o * Inputs, Inputs);
                var dwo = dw.Slice(o * Inputs, Inputs);
                for (var i = 0; i < x.Length; i++)
                {
                    dwo[i] += d * x[i];
                    dx[i] += d * wo[i];
                }
                db[o] += d;
            }
        }
    }
}
