using RsrNet.Core.Numerics;

namespace RsrNet.Core.Evaluation;

/// <summary>A mean with the interval that holds 95% of the means of resampled articles.</summary>
public readonly record struct Interval(double Mean, double Low, double High);

/// <summary>The paired bootstrap (Efron 1979; Koehn 2004): articles are drawn with repetition, each with both systems' scores.</summary>
public static class Bootstrap
{
    private const int Samples = 2_000;

    /// <param name="gains">Ours less the other's, one for each article; at least one.</param>
    /// <param name="seed">The same gains and seed give the same interval.</param>
    public static Interval Of(IReadOnlyList<double> gains, ulong seed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(gains.Count, 1);
        var random = new SplitMix64(seed);
        var means = new double[Samples];
        for (var sample = 0; sample < Samples; sample++)
        {
            for (var i = 0; i < gains.Count; i++) means[sample] += gains[(int)(random.NextDouble() * gains.Count)] / gains.Count;
        }
        Array.Sort(means);
        return new Interval(gains.Average(), means[(int)(0.025 * Samples)], means[(int)(0.975 * Samples) - 1]);
    }
}
