using System.Runtime.CompilerServices;

namespace RsrNet.Core.Numerics.Gradients;

/// <summary>Each loop is written for vectors; what is left of a row goes through the same code one by one.</summary>
internal sealed unsafe class RowKernels<TSimd, TVector> : RowKernels
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    public override void Add(float* target, float* addend, nint count)
    {
        nint i = 0;
        for (; i + TSimd.Count <= count; i += TSimd.Count) TSimd.Store(target + i, TSimd.Add(TSimd.Load(target + i), TSimd.Load(addend + i)));
        for (; i < count; i++) target[i] += addend[i];
    }

    public override void Multiply(float* a, float* b, float* result, nint count)
    {
        nint i = 0;
        for (; i + TSimd.Count <= count; i += TSimd.Count) TSimd.Store(result + i, TSimd.Multiply(TSimd.Load(a + i), TSimd.Load(b + i)));
        for (; i < count; i++) result[i] = a[i] * b[i];
    }

    public override void Scale(float* values, float factor, nint count)
    {
        for (nint i = 0; i < count; i++) values[i] *= factor;
    }

    public override void FillRows(float* result, float* a, float* b, int rows, int columns)
    {
        if (rows == 0) return;
        new ReadOnlySpan<float>(a, columns).CopyTo(new Span<float>(result, columns));
        if (b != null) Add(result, b, columns);
        for (var row = 1; row < rows; row++)
            new ReadOnlySpan<float>(result, columns).CopyTo(new Span<float>(result + (nint)row * columns, columns));
    }

    public override void AddColumnSums(float* sums, float* values, int rows, int columns)
    {
        for (var row = 0; row < rows; row++) Add(sums, values + (nint)row * columns, columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Activate(Activation activation, float* values, float* result, nint count)
    {
        nint i = 0;
        if (activation == Activation.Relu)
        {
            var zero = TSimd.Create(0);
            for (; i + TSimd.Count <= count; i += TSimd.Count) TSimd.Store(result + i, TSimd.Max(zero, TSimd.Load(values + i)));
            for (; i < count; i++) result[i] = SimdScalar.Max(0, values[i]);
            return;
        }
        for (; i + TSimd.Count <= count; i += TSimd.Count) TSimd.Store(result + i, Squash<TSimd, TVector>.Tanh(TSimd.Load(values + i)));
        for (; i < count; i++) result[i] = Squash<SimdScalar, float>.Tanh(values[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Deactivate(Activation activation, float* y, float* slope, float* result, nint count)
    {
        nint i = 0;
        if (activation == Activation.Relu)
        {
            for (; i + TSimd.Count <= count; i += TSimd.Count) TSimd.Store(result + i, TSimd.WherePositive(TSimd.Load(y + i), TSimd.Load(slope + i)));
            for (; i < count; i++) result[i] = y[i] > 0 ? slope[i] : 0;
            return;
        }
        for (; i + TSimd.Count <= count; i += TSimd.Count) TSimd.Store(result + i, Squash<TSimd, TVector>.TanhBack(TSimd.Load(y + i), TSimd.Load(slope + i)));
        for (; i < count; i++) result[i] = Squash<SimdScalar, float>.TanhBack(y[i], slope[i]);
    }

    public override void Lstm(float* gates, float* before, float* cell, float* squashed, float* state, int rows, int hidden)
    {
        for (var row = 0; row < rows; row++)
        {
            var done = GateRows<TSimd, TVector>.Lstm(gates, before, cell, squashed, state, 0, hidden);
            if (done < hidden) GateRows<SimdScalar, float>.Lstm(gates, before, cell, squashed, state, done, hidden);
            gates += 4 * hidden;
            cell += hidden;
            squashed += hidden;
            state += hidden;
            if (before != null) before += hidden;
        }
    }

    public override void LstmBack(float* gates, float* before, float* squashed, float* slope, float* carried, int rows, int hidden)
    {
        for (var row = 0; row < rows; row++)
        {
            var done = GateRows<TSimd, TVector>.LstmBack(gates, before, squashed, slope, carried, 0, hidden);
            if (done < hidden) GateRows<SimdScalar, float>.LstmBack(gates, before, squashed, slope, carried, done, hidden);
            gates += 4 * hidden;
            squashed += hidden;
            slope += hidden;
            carried += hidden;
            if (before != null) before += hidden;
        }
    }

    public override void Gru(float* projected, float* recurrent, float* before, float* state, int rows, int hidden)
    {
        for (var row = 0; row < rows; row++)
        {
            var done = GateRows<TSimd, TVector>.Gru(projected, recurrent, before, state, 0, hidden);
            if (done < hidden) GateRows<SimdScalar, float>.Gru(projected, recurrent, before, state, done, hidden);
            projected += 3 * hidden;
            recurrent += 3 * hidden;
            state += hidden;
            if (before != null) before += hidden;
        }
    }

    public override void GruBack(float* projected, float* recurrent, float* before, float* slope, float* earlier, int rows, int hidden)
    {
        for (var row = 0; row < rows; row++)
        {
            var done = GateRows<TSimd, TVector>.GruBack(projected, recurrent, before, slope, earlier, 0, hidden);
            if (done < hidden) GateRows<SimdScalar, float>.GruBack(projected, recurrent, before, slope, earlier, done, hidden);
            projected += 3 * hidden;
            recurrent += 3 * hidden;
            slope += hidden;
            earlier += hidden;
            if (before != null) before += hidden;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override double CrossEntropy(float* logits, int target, float scale, float* slope, int count, out bool hit)
    {
        var i = 0;
        var largest = float.NegativeInfinity;
        if (count >= TSimd.Count)
        {
            var most = TSimd.Load(logits);
            for (i = TSimd.Count; i + TSimd.Count <= count; i += TSimd.Count) most = TSimd.Largest(most, TSimd.Load(logits + i));
            largest = TSimd.Largest(most);
        }
        for (; i < count; i++) largest = MathF.Max(largest, logits[i]);
        hit = logits[target] >= largest;

        var top = TSimd.Create(largest);
        var sums = TSimd.Create(0);
        for (i = 0; i + TSimd.Count <= count; i += TSimd.Count) sums = TSimd.Add(sums, VectorFunctions<TSimd, TVector>.Exp(TSimd.Subtract(TSimd.Load(logits + i), top)));
        var sum = TSimd.Sum(sums);
        for (; i < count; i++) sum += VectorFunctions<SimdScalar, float>.Exp(logits[i] - largest);
        if (slope != null)
        {
            var factor = scale / sum;
            var factors = TSimd.Create(factor);
            for (i = 0; i + TSimd.Count <= count; i += TSimd.Count)
            {
                var share = VectorFunctions<TSimd, TVector>.Exp(TSimd.Subtract(TSimd.Load(logits + i), top));
                TSimd.Store(slope + i, TSimd.MultiplyAdd(share, factors, TSimd.Load(slope + i)));
            }
            for (; i < count; i++) slope[i] += VectorFunctions<SimdScalar, float>.Exp(logits[i] - largest) * factor;
            slope[target] -= scale;
        }
        return Math.Log(sum) + largest - logits[target];
    }
}
