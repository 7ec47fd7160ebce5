using System.Runtime.CompilerServices;

namespace RsrNet.Core.Numerics;

/// <summary>Exponential, error function and what a transformer's layers make of them, a vector at a time.</summary>
/// <remarks>
/// Elements left over at the end of a row go through the same steps one by one: a value does not depend on where it stands.
/// </remarks>
internal static unsafe class VectorFunctions<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>1.5 * 2^23: added to a number below 2^22, it leaves its nearest whole number in the last bits.</summary>
    private const float Rounder = 12_582_912f;

    /// <summary>
    /// e^x for x in [-87, 88], clamped there; within 2 units in the last place. x = n ln 2 + r, and e^r by Cephes' polynomial (expf).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp(TVector x)
    {
        x = TSimd.Min(TSimd.Max(x, TSimd.Create(-87f)), TSimd.Create(88f));
        var rounder = TSimd.Create(Rounder);
        var n = TSimd.Subtract(TSimd.MultiplyAdd(x, TSimd.Create(1.44269504f), rounder), rounder);
        // ln 2 in two parts, so that n times the first is exact.
        var r = TSimd.MultiplyAdd(n, TSimd.Create(-0.693359375f), x);
        r = TSimd.MultiplyAdd(n, TSimd.Create(2.12194440e-4f), r);
        var p = TSimd.Create(1.9875691500e-4f);
        p = TSimd.MultiplyAdd(p, r, TSimd.Create(1.3981999507e-3f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Create(8.3334519073e-3f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Create(4.1665795894e-2f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Create(1.6666665459e-1f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Create(0.5f));
        p = TSimd.MultiplyAdd(p, TSimd.Multiply(r, r), TSimd.Add(r, TSimd.Create(1f)));
        return TSimd.Multiply(p, TSimd.PowerOfTwo(n));
    }

    /// <summary>
    /// The error function, within 3e-7: x P(x^2) / Q(x^2) with Eigen's coefficients (generic_fast_erf_float), which are best for [-4, 4];
    /// beyond, a float knows no difference to 1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Erf(TVector x)
    {
        x = TSimd.Min(TSimd.Max(x, TSimd.Create(-4f)), TSimd.Create(4f));
        var square = TSimd.Multiply(x, x);
        var p = TSimd.Create(-2.72614225801306e-10f);
        p = TSimd.MultiplyAdd(p, square, TSimd.Create(2.77068142495902e-08f));
        p = TSimd.MultiplyAdd(p, square, TSimd.Create(-2.10102402082508e-06f));
        p = TSimd.MultiplyAdd(p, square, TSimd.Create(-5.69250639462346e-05f));
        p = TSimd.MultiplyAdd(p, square, TSimd.Create(-7.34990630326855e-04f));
        p = TSimd.MultiplyAdd(p, square, TSimd.Create(-2.95459980854025e-03f));
        p = TSimd.MultiplyAdd(p, square, TSimd.Create(-1.60960333262415e-02f));
        var q = TSimd.Create(-1.45660718464996e-05f);
        q = TSimd.MultiplyAdd(q, square, TSimd.Create(-2.13374055278905e-04f));
        q = TSimd.MultiplyAdd(q, square, TSimd.Create(-1.68282697438203e-03f));
        q = TSimd.MultiplyAdd(q, square, TSimd.Create(-7.37332916720468e-03f));
        q = TSimd.MultiplyAdd(q, square, TSimd.Create(-1.42647390514189e-02f));
        return TSimd.Divide(TSimd.Multiply(x, p), q);
    }

    /// <summary>x = 0.5 x (1 + erf(x / sqrt 2)), the exact form, for each element of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gelu(float* row, int count)
    {
        var i = 0;
        for (; i + TSimd.Count <= count; i += TSimd.Count)
        {
            var x = TSimd.Load(row + i);
            var half = TSimd.Multiply(x, TSimd.Create(0.5f));
            TSimd.Store(row + i, TSimd.MultiplyAdd(half, Erf(TSimd.Multiply(x, TSimd.Create(0.70710678f))), half));
        }
        if (i < count && TSimd.Count > 1) VectorFunctions<SimdScalar, float>.Gelu(row + i, count - i);
    }

    /// <summary>e^(factor * (x - largest x)) for each element of a row; their sum is 1 / the answer.</summary>
    /// <returns>What the row is to be multiplied with to make it softmax(factor * x).</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Softmax(float* row, int count, float factor)
    {
        var i = 0;
        var largest = float.NegativeInfinity;
        if (count >= TSimd.Count)
        {
            var most = TSimd.Load(row);
            for (i = TSimd.Count; i + TSimd.Count <= count; i += TSimd.Count) most = TSimd.Max(most, TSimd.Load(row + i));
            largest = TSimd.Largest(most);
        }
        for (; i < count; i++) largest = MathF.Max(largest, row[i]);

        var scale = TSimd.Create(factor);
        var shift = TSimd.Create(-largest * factor);
        var sums = TSimd.Create(0f);
        for (i = 0; i + TSimd.Count <= count; i += TSimd.Count)
        {
            var power = Exp(TSimd.MultiplyAdd(TSimd.Load(row + i), scale, shift));
            TSimd.Store(row + i, power);
            sums = TSimd.Add(sums, power);
        }
        var sum = TSimd.Sum(sums);
        for (; i < count; i++) sum += row[i] = VectorFunctions<SimdScalar, float>.Exp(float.MultiplyAddEstimate(row[i], factor, -largest * factor));
        return 1 / sum;
    }

    /// <summary>A row plus an addend to mean 0 and variance 1, then scaled and shifted.</summary>
    /// <param name="row">[count]; overwritten.</param>
    /// <param name="addend">[count]</param>
    /// <param name="epsilon">Added to the variance.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalize(float* row, float* addend, float* scale, float* shift, int count, float epsilon)
    {
        var whole = count / TSimd.Count * TSimd.Count;
        TVector sums = TSimd.Create(0f), more = sums;
        var i = 0;
        for (; i + 2 * TSimd.Count <= whole; i += 2 * TSimd.Count)
        {
            TVector x = TSimd.Add(TSimd.Load(row + i), TSimd.Load(addend + i));
            TVector y = TSimd.Add(TSimd.Load(row + i + TSimd.Count), TSimd.Load(addend + i + TSimd.Count));
            TSimd.Store(row + i, x);
            TSimd.Store(row + i + TSimd.Count, y);
            sums = TSimd.Add(sums, x);
            more = TSimd.Add(more, y);
        }
        for (; i < whole; i += TSimd.Count)
        {
            var x = TSimd.Add(TSimd.Load(row + i), TSimd.Load(addend + i));
            TSimd.Store(row + i, x);
            sums = TSimd.Add(sums, x);
        }
        var sum = TSimd.Sum(TSimd.Add(sums, more));
        for (; i < count; i++) sum += row[i] += addend[i];
        var mean = sum / count;

        var center = TSimd.Create(mean);
        sums = more = TSimd.Create(0f);
        for (i = 0; i + 2 * TSimd.Count <= whole; i += 2 * TSimd.Count)
        {
            TVector x = TSimd.Subtract(TSimd.Load(row + i), center), y = TSimd.Subtract(TSimd.Load(row + i + TSimd.Count), center);
            sums = TSimd.MultiplyAdd(x, x, sums);
            more = TSimd.MultiplyAdd(y, y, more);
        }
        for (; i < whole; i += TSimd.Count)
        {
            var x = TSimd.Subtract(TSimd.Load(row + i), center);
            sums = TSimd.MultiplyAdd(x, x, sums);
        }
        var squares = TSimd.Sum(TSimd.Add(sums, more));
        for (; i < count; i++) squares += (row[i] - mean) * (row[i] - mean);
        var inverse = 1 / MathF.Sqrt(squares / count + epsilon);

        var factor = TSimd.Create(inverse);
        for (i = 0; i < whole; i += TSimd.Count)
        {
            var x = TSimd.Multiply(TSimd.Subtract(TSimd.Load(row + i), center), factor);
            TSimd.Store(row + i, TSimd.MultiplyAdd(x, TSimd.Load(scale + i), TSimd.Load(shift + i)));
        }
        for (; i < count; i++) row[i] = (row[i] - mean) * inverse * scale[i] + shift[i];
    }
}
