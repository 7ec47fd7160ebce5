using System.Numerics;

namespace RsrNet.Core.Coordination;

/// <summary>Sums of large buffers with weights.</summary>
internal static class WeightedSum
{
    /// <summary>sum_i += share * value_i</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Add(Span<float> sum, ReadOnlySpan<float> values, float share)
    {
        if (sum.Length != values.Length) throw new ArgumentException($"buffers of {sum.Length} and {values.Length} elements cannot be added", nameof(values));
        var i = 0;
        for (; i <= sum.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(sum[i..]) + new Vector<float>(values[i..]) * share).CopyTo(sum[i..]);
        for (; i < sum.Length; i++) sum[i] += values[i] * share;
    }
}
