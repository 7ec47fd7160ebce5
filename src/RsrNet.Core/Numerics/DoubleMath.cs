using System.Numerics;
using System.Runtime.InteropServices;

namespace RsrNet.Core.Numerics;

/// <summary>Sums over vectors of doubles, for the small regressions and networks. Lengths are the caller's to get right.</summary>
internal static class DoubleMath
{
    /// <summary>sum a_i b_i</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count) sums += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
        var sum = Vector.Sum(sums);
        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>to += factor * from</summary>
    public static void AddScaled(Span<double> to, ReadOnlySpan<double> from, double factor)
    {
        var i = 0;
        for (; i <= to.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(to[i..]) + new Vector<double>(from[i..]) * factor).CopyTo(to[i..]);
        for (; i < to.Length; i++) to[i] += from[i] * factor;
    }

    /// <summary>sum a_i b_i, where a is kept in single precision</summary>
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<double> b)
    {
        Vector<double> sum0 = default, sum1 = default;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(a[i..]), out var low, out var high);
            sum0 = Vector.FusedMultiplyAdd(low, new Vector<double>(b[i..]), sum0);
            sum1 = Vector.FusedMultiplyAdd(high, new Vector<double>(b[(i + Vector<double>.Count)..]), sum1);
        }
        var sum = Vector.Sum(sum0 + sum1);
        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>sum a_i</summary>
    public static double Sum(ReadOnlySpan<float> a)
    {
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(a[i..]), out var low, out var high);
            sums += low + high;
        }
        var sum = Vector.Sum(sums);
        for (; i < a.Length; i++) sum += a[i];
        return sum;
    }

    /// <summary>to_j += sum_k factors_k rows_kj</summary>
    /// <param name="to">[h]</param>
    /// <param name="factors">[K]</param>
    /// <param name="rows">[K, h]</param>
    public static void AddProduct(Span<double> to, ReadOnlySpan<double> factors, ReadOnlySpan<double> rows)
    {
        var h = to.Length;
        if (rows.Length != factors.Length * h) throw new ArgumentException($"{rows.Length} numbers are no {factors.Length} rows of {h}", nameof(rows));
        ref var first = ref MemoryMarshal.GetReference(rows);
        var j = 0;
        for (; j <= h - 2 * Vector<double>.Count; j += 2 * Vector<double>.Count)
        {
            // Two blocks at a time, so that each factor is spread out once for both.
            var (sum0, sum1) = (new Vector<double>(to[j..]), new Vector<double>(to[(j + Vector<double>.Count)..]));
            for (var k = 0; k < factors.Length; k++)
            {
                var factor = new Vector<double>(factors[k]);
                sum0 = Vector.FusedMultiplyAdd(factor, Vector.LoadUnsafe(ref first, (nuint)(k * h + j)), sum0);
                sum1 = Vector.FusedMultiplyAdd(factor, Vector.LoadUnsafe(ref first, (nuint)(k * h + j + Vector<double>.Count)), sum1);
            }
            sum0.CopyTo(to[j..]);
            sum1.CopyTo(to[(j + Vector<double>.Count)..]);
        }
        for (; j < h; j++)
        {
            for (var k = 0; k < factors.Length; k++) to[j] += factors[k] * rows[k * h + j];
        }
    }

    /// <summary>a_i = max(a_i, 0)</summary>
    public static void Rectify(Span<double> a)
    {
        var i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count) Vector.Max(new Vector<double>(a[i..]), Vector<double>.Zero).CopyTo(a[i..]);
        for (; i < a.Length; i++) a[i] = Math.Max(a[i], 0);
    }

    /// <summary>to_kj += factors_k row_j</summary>
    /// <param name="to">[K, h]</param>
    /// <param name="factors">[K]</param>
    /// <param name="row">[h]</param>
    public static void AddOuter(Span<double> to, ReadOnlySpan<double> factors, ReadOnlySpan<double> row)
    {
        var h = row.Length;
        if (to.Length != factors.Length * h) throw new ArgumentException($"{to.Length} numbers are no {factors.Length} rows of {h}", nameof(to));
        ref var first = ref MemoryMarshal.GetReference(to);
        var j = 0;
        for (; j <= h - Vector<double>.Count; j += Vector<double>.Count)
        {
            var own = new Vector<double>(row[j..]);
            for (var k = 0; k < factors.Length; k++)
            {
                var at = (nuint)(k * h + j);
                Vector.StoreUnsafe(Vector.FusedMultiplyAdd(new Vector<double>(factors[k]), own, Vector.LoadUnsafe(ref first, at)), ref first, at);
            }
        }
        for (; j < h; j++)
        {
            for (var k = 0; k < factors.Length; k++) to[k * h + j] += factors[k] * row[j];
        }
    }
}
