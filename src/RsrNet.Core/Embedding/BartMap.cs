using RsrNet.Core.Numerics;

namespace RsrNet.Core.Embedding;

/// <summary>A linear map of the network, its weights in the order that the kernels read them.</summary>
internal abstract unsafe class BartMap(int inputs, int outputs) : IDisposable
{
    public int Inputs => inputs;

    public int Outputs => outputs;

    /// <summary>One map out of several with the same inputs, their outputs side by side.</summary>
    public static BartMap Create<TSimd, TVector>(WeightPrecision precision, params BartLinear[] linears)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        var inputs = linears[0].Inputs;
        // Outputs that are no whole panels are joined before.
        float[] joined = linears.Length == 1 ? linears[0].Weight : [.. linears.SelectMany(linear => linear.Weight)];
        return precision == WeightPrecision.Int8
            ? new Int8Map(joined, inputs, joined.Length / inputs)
            : new SingleMap<TSimd, TVector>(joined, inputs, joined.Length / inputs);
    }

    /// <summary>Makes rows ready for products with this map, where it needs that; once before them.</summary>
    /// <param name="left">[rows, inputs].</param>
    public virtual void Read(int rows, float* left, Int8Rows ready)
    {
    }

    /// <summary>result = left * weights^T + start; the start may be the result itself (a residual), or one row for all (a bias).</summary>
    /// <param name="left">[rows, inputs]; the same that was read.</param>
    /// <param name="result">[rows, all outputs], at the first output that is wanted.</param>
    /// <param name="columns">Outputs that are wanted; 0 for all.</param>
    /// <param name="fromColumn">The first of them; a multiple of 64.</param>
    public abstract void Multiply(
        int rows, float* left, Int8Rows ready, float* result, float* start, int startRow, int columns = 0, int fromColumn = 0);

    public abstract void Dispose();
}

/// <summary>Weights in single precision.</summary>
internal sealed unsafe class SingleMap<TSimd, TVector> : BartMap
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Most k of a product at once: a panel of it is 96 KB with the widest vectors.</summary>
    private const int BlockK = 768;

    private readonly MatrixRight<TSimd, TVector> _right;

    public SingleMap(float[] weights, int inputs, int outputs)
        : base(inputs, outputs)
    {
        _right = new MatrixRight<TSimd, TVector>(inputs, outputs);
        fixed (float* source = weights) _right.Place(source, 1, inputs, inputs, outputs);
    }

    public override void Multiply(
        int rows, float* left, Int8Rows ready, float* result, float* start, int startRow, int columns = 0, int fromColumn = 0)
    {
        for (var k = 0; k < Inputs; k += BlockK)
        {
            _right.Multiply(
                rows, left + k, Inputs, result, Outputs, k == 0 ? start : result, k == 0 ? startRow : Outputs,
                k: Math.Min(BlockK, Inputs - k), fromK: k, columns: columns, fromColumn: fromColumn);
        }
    }

    public override void Dispose() => _right.Dispose();
}

/// <summary>Weights of 8 bits; what is multiplied with them is brought to 8 bits row by row.</summary>
internal sealed unsafe class Int8Map(float[] weights, int inputs, int outputs) : BartMap(inputs, outputs)
{
    private readonly Int8Weights _weights = new(weights, inputs, outputs);

    public override void Read(int rows, float* left, Int8Rows ready) => ready.Quantize(left, rows, Inputs);

    public override void Multiply(
        int rows, float* left, Int8Rows ready, float* result, float* start, int startRow, int columns = 0, int fromColumn = 0) =>
        _weights.Multiply(ready, rows, result, Outputs, start, startRow, columns == 0 ? Outputs : columns, fromColumn);

    public override void Dispose() => _weights.Dispose();
}
