using System.Numerics;
using System.Runtime.InteropServices;

namespace RsrNet.Core.Numerics;

/// <summary>Sums over vectors of doubles, for the small regressions and networks. Lengths are the caller's to get right.</summary>
internal static class DoubleMath
{
    /// <summary>sum a_i b_i</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        if (b.Length < a.Length) throw new ArgumentException($"vectors of {a.Length} and {b.Length} elements have no dot product");
        ref var first = ref MemoryMarshal.GetReference(a);
        ref var second = ref MemoryMarshal.GetReference(b);
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count) sums += Load(ref first, i) * Load(ref second, i);
        var sum = Vector.Sum(sums);
        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>to += factor * from</summary>
    public static void AddScaled(Span<double> to, ReadOnlySpan<double> from, double factor)
    {
        if (from.Length < to.Length) throw new ArgumentException($"vectors of {to.Length} and {from.Length} elements have no sum");
        ref var first = ref MemoryMarshal.GetReference(to);
        ref var second = ref MemoryMarshal.GetReference(from);
        var i = 0;
        for (; i <= to.Length - Vector<double>.Count; i += Vector<double>.Count)
            Vector.StoreUnsafe(Load(ref first, i) + Load(ref second, i) * factor, ref first, (nuint)i);
        for (; i < to.Length; i++) to[i] += from[i] * factor;
    }

    /// <summary>sum a_i b_i, where a is kept in single precision</summary>
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<double> b)
    {
        if (b.Length < a.Length) throw new ArgumentException($"vectors of {a.Length} and {b.Length} elements have no dot product");
        ref var first = ref MemoryMarshal.GetReference(a);
        ref var second = ref MemoryMarshal.GetReference(b);
        Vector<double> sum0 = default, sum1 = default;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.LoadUnsafe(ref first, (nuint)i), out var low, out var high);
            sum0 = Vector.FusedMultiplyAdd(low, Load(ref second, i), sum0);
            sum1 = Vector.FusedMultiplyAdd(high, Load(ref second, i + Vector<double>.Count), sum1);
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

    /// <summary>to_k = (products_k - along_i - along_k + square) scales_i scales_k, i being the last: a row of products of vectors less a mean m, each of unit length then.</summary>
    /// <param name="to">[i + 1]; overwritten.</param>
    /// <param name="products">[i + 1] products of the vectors as they are.</param>
    /// <param name="along">Products of the vectors with m.</param>
    /// <param name="square">m . m</param>
    /// <param name="scales">1 / the vectors' lengths without m.</param>
    public static void WriteCentred(Span<float> to, ReadOnlySpan<float> products, ReadOnlySpan<double> along, double square, ReadOnlySpan<double> scales)
    {
        var last = to.Length - 1;
        var k = 0;
        for (; k <= to.Length - Vector<float>.Count; k += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(products[k..]), out var low, out var high);
            Vector.Narrow(Of(low, k, along, scales), Of(high, k + Vector<double>.Count, along, scales)).CopyTo(to[k..]);
        }
        for (; k < to.Length; k++) to[k] = (float)((products[k] - along[last] - along[k] + square) * scales[last] * scales[k]);

        Vector<double> Of(Vector<double> own, int at, ReadOnlySpan<double> along, ReadOnlySpan<double> scales) =>
            (own - new Vector<double>(along[last]) - new Vector<double>(along[at..]) + new Vector<double>(square)) * scales[last] * new Vector<double>(scales[at..]);
    }

    private static Vector<double> Load(ref double start, int index) => Vector.LoadUnsafe(ref start, (nuint)index);
}
