using System.Runtime.Intrinsics;

namespace RsrNet.Core.Numerics.Gradients;

/// <summary>The loops of the tape's operations that are no product, for one vector width. Gates of a row lie side by side: [gate][H].</summary>
internal abstract unsafe class RowKernels
{
    public static RowKernels Create(VectorWidth width) => width switch
    {
        VectorWidth.Vector512 => new RowKernels<Simd512, Vector512<float>>(),
        VectorWidth.Vector256 => new RowKernels<Simd256, Vector256<float>>(),
        VectorWidth.Vector128 => new RowKernels<Simd128, Vector128<float>>(),
        _ => new RowKernels<SimdScalar, float>(),
    };

    /// <summary>target += addend</summary>
    public abstract void Add(float* target, float* addend, nint count);

    /// <summary>result = a b, element by element</summary>
    public abstract void Multiply(float* a, float* b, float* result, nint count);

    /// <summary>values *= factor</summary>
    public abstract void Scale(float* values, float factor, nint count);

    /// <summary>Each row of the result becomes a, or a + b.</summary>
    /// <param name="b">Null for none.</param>
    public abstract void FillRows(float* result, float* a, float* b, int rows, int columns);

    /// <summary>sums += the sums over all rows</summary>
    public abstract void AddColumnSums(float* sums, float* values, int rows, int columns);

    /// <summary>result = f(values)</summary>
    public abstract void Activate(Activation activation, float* values, float* result, nint count);

    /// <summary>result = slope f'(x), from y = f(x)</summary>
    public abstract void Deactivate(Activation activation, float* y, float* slope, float* result, nint count);

    /// <summary>One step of an LSTM.</summary>
    /// <param name="gates">[rows, 4H] sums of i, f, g, o; become the gates.</param>
    /// <param name="before">[rows, H] c before; null for zeros.</param>
    /// <param name="cell">[rows, H]</param>
    /// <param name="squashed">[rows, H] tanh(c)</param>
    /// <param name="state">[rows, H] h</param>
    public abstract void Lstm(float* gates, float* before, float* cell, float* squashed, float* state, int rows, int hidden);

    /// <summary>The way back of a step.</summary>
    /// <param name="gates">[rows, 4H] the gates; become the slopes of their sums.</param>
    /// <param name="slope">[rows, H] dh.</param>
    /// <param name="carried">[rows, H] dc from the step after; becomes that for the step before.</param>
    public abstract void LstmBack(float* gates, float* before, float* squashed, float* slope, float* carried, int rows, int hidden);

    /// <summary>One step of a GRU.</summary>
    /// <param name="projected">[rows, 3H] the input's part; becomes the gates r, z, n.</param>
    /// <param name="recurrent">[rows, 3H] the state's part.</param>
    /// <param name="before">[rows, H] h before; null for zeros.</param>
    public abstract void Gru(float* projected, float* recurrent, float* before, float* state, int rows, int hidden);

    /// <summary>The way back of a step.</summary>
    /// <param name="projected">[rows, 3H] the gates; become the slopes of the input's part.</param>
    /// <param name="recurrent">[rows, 3H] the state's part; becomes its slopes.</param>
    /// <param name="earlier">[rows, H] dh of the step before; dh z is added.</param>
    public abstract void GruBack(float* projected, float* recurrent, float* before, float* slope, float* earlier, int rows, int hidden);

    /// <summary>-log softmax(x)[target] of one row; where there is a slope, scale (softmax - target) is added to it.</summary>
    /// <param name="hit">Whether nothing is above the target.</param>
    public abstract double CrossEntropy(float* logits, int target, float scale, float* slope, int count, out bool hit);
}
