using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>The values tensors begin with: PyTorch's distributions, <see cref="SplitMix64"/>'s numbers.</summary>
public static class ParameterInitialization
{
    /// <summary>U(-1/sqrt(fan), 1/sqrt(fan)): nn.Linear with its inputs as fan, nn.RNN, nn.LSTM and nn.GRU with H.</summary>
    public static void Uniform(Span<float> values, int fan, ref SplitMix64 random)
    {
        var bound = 1 / Math.Sqrt(fan);
        foreach (ref var value in values) value = random.NextUniform(bound);
    }

    /// <summary>N(0, 1), as nn.Embedding; the padding row is zero. Box, Muller (1958).</summary>
    public static void Normal(Parameter table, int padding, ref SplitMix64 random, int fromRow = 0)
    {
        foreach (ref var value in table.Values[(fromRow * table.Columns)..])
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            value = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }
        if (padding >= fromRow) table.Values.Slice(padding * table.Columns, table.Columns).Clear();
    }
}
