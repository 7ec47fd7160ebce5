using System.Numerics;

namespace RsrNet.Core.Numerics;

/// <summary>Short sums over vectors. Where lengths differ, <see cref="ArgumentException"/>.</summary>
public static class VectorMath
{
    /// <summary>sum a_i b_i</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        if (a.Length != b.Length) throw new ArgumentException($"vectors of {a.Length} and {b.Length} elements have no dot product");
        var sum = Vector<float>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count) sum += new Vector<float>(a[i..]) * new Vector<float>(b[i..]);
        var total = Vector.Sum(sum);
        for (; i < a.Length; i++) total += a[i] * b[i];
        return total;
    }

    /// <summary>||a||</summary>
    public static float Norm(ReadOnlySpan<float> a) => MathF.Sqrt(Dot(a, a));

    /// <summary>a . b / (||a|| ||b||), in [-1, 1]; 0 where either is zero.</summary>
    public static float Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var norms = MathF.Sqrt(Dot(a, a)) * MathF.Sqrt(Dot(b, b));
        return norms > 0 ? Math.Clamp(Dot(a, b) / norms, -1f, 1f) : 0f;
    }

    /// <summary>||now - before|| / ||now||, the relative residual; 0 where nothing moved, 1 where <paramref name="now"/> is zero and the other is not.</summary>
    public static float RelativeDistance(ReadOnlySpan<float> now, ReadOnlySpan<float> before)
    {
        if (now.Length != before.Length) throw new ArgumentException($"vectors of {now.Length} and {before.Length} elements have no distance");
        var sum = 0f;
        for (var i = 0; i < now.Length; i++)
        {
            var difference = now[i] - before[i];
            sum += difference * difference;
        }
        if (sum == 0) return 0;
        var norm = Norm(now);
        return norm > 0 ? MathF.Sqrt(sum) / norm : 1f;
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
        foreach (var element in a)
        {
            if (!float.IsFinite(element)) return false;
        }
        return true;
    }
}
