using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RsrNet.Core.Numerics;

/// <summary>Short sums over vectors. Where lengths differ, <see cref="ArgumentException"/>.</summary>
public static class VectorMath
{
    /// <summary>Elements of a vector that may lie on the stack for the length of a call.</summary>
    internal const int MostOnStack = 1024;

    /// <summary>sum a_i b_i</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        if (a.Length != b.Length) throw new ArgumentException($"vectors of {a.Length} and {b.Length} elements have no dot product");
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

    /// <summary>||a||</summary>
    public static float Norm(ReadOnlySpan<float> a) => MathF.Sqrt(Dot(a, a));

    /// <summary>a . b / (||a|| ||b||), in [-1, 1]; 0 where either is zero.</summary>
    public static float Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        // In double: the product of two small squares is no float any more.
        var norms = Math.Sqrt((double)Dot(a, a) * Dot(b, b));
        if (!double.IsFinite(norms)) return WideCosine(a, b);
        return norms > 0 ? (float)Math.Clamp(Dot(a, b) / norms, -1, 1) : 0;
    }

    /// <summary>The same for vectors whose squares are no floats any more: a recursion that diverges passes 1e19 long before it overflows.</summary>
    private static float WideCosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double dot = 0, first = 0, second = 0;
        for (var i = 0; i < a.Length; i++)
        {
            dot += (double)a[i] * b[i];
            first += (double)a[i] * a[i];
            second += (double)b[i] * b[i];
        }
        return (float)Math.Clamp(dot / Math.Sqrt(first * second), -1, 1);
    }

    /// <summary>||now - before|| / ||now||, the relative residual; 0 where nothing moved, 1 where <paramref name="now"/> is zero and the other is not.</summary>
    public static float RelativeDistance(ReadOnlySpan<float> now, ReadOnlySpan<float> before)
    {
        if (now.Length != before.Length) throw new ArgumentException($"vectors of {now.Length} and {before.Length} elements have no distance");
        // In double: the squares of a state that diverges overflow a float, and infinity through infinity is no number.
        Vector<double> sumLow = default, sumHigh = default, squareLow = default, squareHigh = default;
        var i = 0;
        for (; i <= now.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(now[i..]), out var nowLow, out var nowHigh);
            Vector.Widen(new Vector<float>(before[i..]), out var beforeLow, out var beforeHigh);
            sumLow += (nowLow - beforeLow) * (nowLow - beforeLow);
            sumHigh += (nowHigh - beforeHigh) * (nowHigh - beforeHigh);
            squareLow += nowLow * nowLow;
            squareHigh += nowHigh * nowHigh;
        }
        double sum = Vector.Sum(sumLow + sumHigh), square = Vector.Sum(squareLow + squareHigh);
        for (; i < now.Length; i++)
        {
            var difference = (double)now[i] - before[i];
            sum += difference * difference;
            square += (double)now[i] * now[i];
        }
        if (sum == 0) return 0;
        return square > 0 ? (float)Math.Sqrt(sum / square) : 1f;
    }

    /// <summary>(1/n) sum (a_i - b_i)^2</summary>
    public static float MeanSquaredError(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        if (a.Length != b.Length) throw new ArgumentException($"vectors of {a.Length} and {b.Length} elements have no error");
        var sum = 0f;
        for (var i = 0; i < a.Length; i++)
        {
            var difference = a[i] - b[i];
            sum += difference * difference;
        }
        return sum / a.Length;
    }

    /// <summary>Whether no element is NaN or infinite.</summary>
    public static bool IsFinite(ReadOnlySpan<float> a)
    {
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            // Comparing with what is no number is false as well.
            if (!Vector.LessThanOrEqualAll(Vector.Abs(new Vector<float>(a[i..])), new Vector<float>(float.MaxValue))) return false;
        }
        for (; i < a.Length; i++)
        {
            if (!float.IsFinite(a[i])) return false;
        }
        return true;
    }

    private static Vector<float> Load(ref float start, int index) => Vector.LoadUnsafe(ref start, (nuint)index);

    /// <summary>to += factor * from</summary>
    public static void AddScaled(Span<float> to, ReadOnlySpan<float> from, float factor)
    {
        if (to.Length != from.Length) throw new ArgumentException($"vectors of {to.Length} and {from.Length} elements have no sum");
        var i = 0;
        for (; i <= to.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(to[i..]) + new Vector<float>(from[i..]) * factor).CopyTo(to[i..]);
        for (; i < to.Length; i++) to[i] += from[i] * factor;
    }

    /// <summary>Multiplies each element.</summary>
    public static void Scale(Span<float> vector, float factor)
    {
        foreach (ref var element in vector) element *= factor;
    }

    /// <summary>Scales to length 1; a zero vector, or one that holds no number, stays as it is.</summary>
    /// <returns>The length before.</returns>
    public static float Normalize(Span<float> a)
    {
        var norm = Norm(a);
        if (!(norm > 0) || !float.IsFinite(norm)) return norm;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count) (new Vector<float>(a[i..]) / norm).CopyTo(a[i..]);
        for (; i < a.Length; i++) a[i] /= norm;
        return norm;
    }
}
