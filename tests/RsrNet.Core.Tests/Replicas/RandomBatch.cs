using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

/// <summary>Batches and weights made from a seed, for tests.</summary>
internal static class RandomBatch
{
    /// <summary>X and T uniform in [-1, 1); Y and Z zero, as for new documents.</summary>
    public static RecursionBatch Of(RecursionShape shape, int rows, ulong seed)
    {
        var batch = new RecursionBatch(shape, rows);
        var random = new SplitMix64(seed);
        foreach (ref var x in batch.X.AsSpan()) x = random.NextUniform(1);
        foreach (ref var t in batch.T.AsSpan()) t = random.NextUniform(1);
        return batch;
    }

    /// <summary>The same, with a state as it might be stored of a known document: Y in [-1, 1), Z in [0, 1).</summary>
    public static RecursionBatch WithState(RecursionShape shape, int rows, ulong seed)
    {
        var batch = Of(shape, rows, seed);
        var random = new SplitMix64(seed + 1);
        foreach (ref var y in batch.Y.AsSpan()) y = random.NextUniform(1);
        foreach (ref var z in batch.Z.AsSpan()) z = Math.Abs(random.NextUniform(1));
        return batch;
    }

    /// <summary>Initial weights with BatchNorm's values moved off 1 and 0, so that a test sees each of them.</summary>
    public static RecursionWeights Weights(RecursionShape shape, int seed)
    {
        var weights = RecursionInitialization.Create(shape, seed);
        var random = new SplitMix64((ulong)seed + 77);
        foreach (var layer in new[] { "bn1", "bn2" })
        {
            foreach (ref var weight in weights.Parameter(layer + ".weight")) weight = 1 + random.NextUniform(0.5);
            foreach (ref var bias in weights.Parameter(layer + ".bias")) bias = random.NextUniform(0.5);
            foreach (ref var mean in weights.Statistic(layer + ".running_mean")) mean = random.NextUniform(0.5);
            foreach (ref var variance in weights.Statistic(layer + ".running_var")) variance = 1 + random.NextUniform(0.5);
        }
        return weights;
    }
}
