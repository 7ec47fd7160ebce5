using System.Runtime.CompilerServices;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>The loops over single rows that are no product: confidence, loss, sums over columns.</summary>
internal static unsafe class CpuRows<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>q = sigmoid(max_j y_j), for each row.</summary>
    /// <param name="y">[rows, d]</param>
    public static void Confidence(float* y, int rows, int d, float* confidence)
    {
        for (var row = 0; row < rows; row++) confidence[row] = (float)Sigmoid(Largest(y + (nint)row * d, d));
    }

    public static double Sigmoid(float value) => 1 / (1 + Math.Exp(-value));

    /// <summary>The largest element; NaN where one is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Largest(float* values, int count)
    {
        var i = 0;
        var largest = float.NegativeInfinity;
        if (count >= 4 * TSimd.Count)
        {
            // Four at a time: one alone would wait for itself.
            TVector most0 = TSimd.Load(values), most1 = TSimd.Load(values + TSimd.Count);
            TVector most2 = TSimd.Load(values + 2 * TSimd.Count), most3 = TSimd.Load(values + 3 * TSimd.Count);
            for (i = 4 * TSimd.Count; i + 4 * TSimd.Count <= count; i += 4 * TSimd.Count)
            {
                most0 = TSimd.Largest(most0, TSimd.Load(values + i));
                most1 = TSimd.Largest(most1, TSimd.Load(values + i + TSimd.Count));
                most2 = TSimd.Largest(most2, TSimd.Load(values + i + 2 * TSimd.Count));
                most3 = TSimd.Largest(most3, TSimd.Load(values + i + 3 * TSimd.Count));
            }
            largest = TSimd.Largest(TSimd.Largest(TSimd.Largest(most0, most1), TSimd.Largest(most2, most3)));
        }
        for (; i < count; i++) largest = MathF.Max(largest, values[i]);
        return largest;
    }

    /// <summary>The first index of a value; 0 where it is NaN, which equals nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int IndexOf(float value, float* values, int count)
    {
        var i = 0;
        var wanted = TSimd.Create(value);
        while (i + TSimd.Count <= count && !TSimd.AnyEqual(wanted, TSimd.Load(values + i))) i += TSimd.Count;
        for (; i < count; i++)
        {
            if (values[i] == value) return i;
        }
        return 0;
    }

    /// <summary>Whether all elements are zero, as in the state of new documents.</summary>
    public static bool IsZero(float* values, nint count)
    {
        nint i = 0;
        for (; i + TSimd.Count <= count; i += TSimd.Count)
        {
            if (!TSimd.IsZero(TSimd.Load(values + i))) return false;
        }
        for (; i < count; i++)
        {
            if (values[i] != 0) return false;
        }
        return true;
    }

    /// <summary>values[row] += addend, for each row of padded width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* values, float* addend, int rows, int width)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < width; i += TSimd.Count) TSimd.Store(values + i, TSimd.Add(TSimd.Load(values + i), TSimd.Load(addend + i)));
            values += width;
        }
    }

    /// <summary>target = factor * source.</summary>
    public static void Scale(float* source, float factor, float* target, int count)
    {
        var i = 0;
        var by = TSimd.Create(factor);
        for (; i + TSimd.Count <= count; i += TSimd.Count) TSimd.Store(target + i, TSimd.Multiply(by, TSimd.Load(source + i)));
        for (; i < count; i++) target[i] = factor * source[i];
    }

    /// <summary>sum a_i b_i</summary>
    public static float Dot(float* a, float* b, int count)
    {
        var i = 0;
        var sums = TSimd.Create(0);
        for (; i + TSimd.Count <= count; i += TSimd.Count) sums = TSimd.MultiplyAdd(TSimd.Load(a + i), TSimd.Load(b + i), sums);
        var sum = TSimd.Sum(sums);
        for (; i < count; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>target[i] = sum over the rows of source[row, i], i in [from, to).</summary>
    public static void SumColumns(float* source, nint stride, int rows, int from, int to, float* target)
    {
        var i = from;
        for (; i + TSimd.Count <= to; i += TSimd.Count)
        {
            var sum = TSimd.Create(0);
            for (var row = 0; row < rows; row++) sum = TSimd.Add(sum, TSimd.Load(source + row * stride + i));
            TSimd.Store(target + i, sum);
        }
        for (; i < to; i++)
        {
            var sum = 0f;
            for (var row = 0; row < rows; row++) sum += source[row * stride + i];
            target[i] = sum;
        }
    }

    /// <summary>target += source, or target = source where it is the first.</summary>
    public static void Accumulate(float* source, float* target, nint count, bool first)
    {
        if (first)
        {
            new ReadOnlySpan<float>(source, (int)count).CopyTo(new Span<float>(target, (int)count));
            return;
        }
        for (nint i = 0; i < count; i += TSimd.Count) TSimd.Store(target + i, TSimd.Add(TSimd.Load(target + i), TSimd.Load(source + i)));
    }

    /// <summary>Zeroes the gradient where the rectifier's output was not above zero; both [rows, width] at the same stride.</summary>
    public static void Close(float* gradient, float* output, nint stride, int rows, int width)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < width; i += TSimd.Count)
            {
                TSimd.Store(gradient + i, TSimd.WherePositive(TSimd.Load(output + i), TSimd.Load(gradient + i)));
            }
            gradient += stride;
            output += stride;
        }
    }

    /// <summary>A row's loss, and the gradient of the batch's; the formulas are <see cref="ReferenceLoss"/>'s.</summary>
    /// <param name="y">[d]</param>
    /// <param name="t">[d]</param>
    /// <param name="gradient">[d]; overwritten.</param>
    /// <param name="rows">B.</param>
    /// <param name="confidence">q.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Loss(float* y, float* t, float* gradient, int d, int rows, out float confidence)
    {
        var slope = (float)(2.0 / d / rows);
        TVector squares0 = TSimd.Create(0), squares1 = squares0, slopes = TSimd.Create(slope);
        var i = 0;
        for (; i + 2 * TSimd.Count <= d; i += 2 * TSimd.Count)
        {
            var j = i + TSimd.Count;
            var distance0 = TSimd.Subtract(TSimd.Load(y + i), TSimd.Load(t + i));
            var distance1 = TSimd.Subtract(TSimd.Load(y + j), TSimd.Load(t + j));
            squares0 = TSimd.MultiplyAdd(distance0, distance0, squares0);
            squares1 = TSimd.MultiplyAdd(distance1, distance1, squares1);
            TSimd.Store(gradient + i, TSimd.Multiply(slopes, distance0));
            TSimd.Store(gradient + j, TSimd.Multiply(slopes, distance1));
        }
        double sum = TSimd.Sum(TSimd.Add(squares0, squares1));
        for (; i < d; i++)
        {
            var distance = y[i] - t[i];
            sum += (double)distance * distance;
            gradient[i] = slope * distance;
        }
        var largest = Largest(y, d);
        var q = Sigmoid(largest);
        confidence = (float)q;
        var flat = q * (1 - q);
        var best = IndexOf(largest, y, d);
        gradient[best] += (float)(ReferenceLoss.ConfidenceWeight * (q - 1) / Math.Max(flat, 1e-12) * flat / rows);
        return sum / d - ReferenceLoss.ConfidenceWeight * Math.Max(Math.Log(q), -100);
    }
}
