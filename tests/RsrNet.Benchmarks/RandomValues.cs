using RsrNet.Core.Numerics;

namespace RsrNet.Benchmarks;

/// <summary>Numbers in [-1, 1), the same on every machine.</summary>
internal static class RandomValues
{
    public static float[] Of(int count, ulong seed)
    {
        var values = new float[count];
        Fill(values, seed);
        return values;
    }

    public static void Fill(Span<float> values, ulong seed)
    {
        var random = new SplitMix64(seed);
        foreach (ref var value in values) value = random.NextUniform(1);
    }
}
