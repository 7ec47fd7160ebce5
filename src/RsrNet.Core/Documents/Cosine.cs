using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RsrNet.Core.Documents;

/// <summary>Inner products and cosines of vectors, in whatever SIMD width the machine has.</summary>
public static class Cosine
{
    /// <returns>In [-1, 1]; 0 where one of the vectors is zero.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static float Of(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var norms = Math.Sqrt((double)Dot(a, a) * Dot(b, b));
        return norms > 0 ? (float)Math.Clamp(Dot(a, b) / norms, -1, 1) : 0;
    }

    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        if (a.Length != b.Length) throw new ArgumentException($"a vector of {a.Length} elements and one of {b.Length} have no inner product", nameof(b));
        ref var first = ref MemoryMarshal.GetReference(a);
        ref var second = ref MemoryMarshal.GetReference(b);
        // Four sums in flight hide the latency of the addition.
        Vector<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        var width = Vector<float>.Count;
        var i = 0;
        for (; i <= a.Length - 4 * width; i += 4 * width)
        {
            sum0 = Vector.FusedMultiplyAdd(Load(ref first, i), Load(ref second, i), sum0);
            sum1 = Vector.FusedMultiplyAdd(Load(ref first, i + width), Load(ref second, i + width), sum1);
            sum2 = Vector.FusedMultiplyAdd(Load(ref first, i + 2 * width), Load(ref second, i + 2 * width), sum2);
            sum3 = Vector.FusedMultiplyAdd(Load(ref first, i + 3 * width), Load(ref second, i + 3 * width), sum3);
        }
        var sum = Vector.Sum(sum0 + sum1 + (sum2 + sum3));
        for (; i < a.Length; i++) sum += Unsafe.Add(ref first, i) * Unsafe.Add(ref second, i);
        return sum;
    }

    private static Vector<float> Load(ref float start, int index) => Vector.LoadUnsafe(ref start, (nuint)index);
}
