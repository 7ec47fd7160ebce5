using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// The weights a network begins with: PyTorch's defaults. The distribution is PyTorch's, the numbers are <see cref="SplitMix64"/>'s, so a
/// seed gives the same weights on every machine, but not those of <c>torch.manual_seed</c>.
/// </summary>
public static class RecursionInitialization
{
    /// <param name="shape">Each size at least 1.</param>
    /// <param name="seed">Any number.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1.</exception>
    public static RecursionWeights Create(RecursionShape shape, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shape.D, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(shape.H, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(shape.L, 1);
        var weights = new RecursionWeights(shape);
        var random = new SplitMix64(unchecked((ulong)seed));
        if (shape.Mode == LearningMode.Residual)
        {
            // fc_weight stays zero: at first the network corrects nothing, and y is the regression's.
            Linear(weights, "fc1", shape.Input, ref random);
            Linear(weights, "fc_latent", shape.H, ref random);
            Priors(new ResidualStatistics(weights));
            return weights;
        }
        Linear(weights, "fc1", shape.Input, ref random);
        Norm(weights, "bn1");
        Linear(weights, "fc2", shape.H, ref random);
        Norm(weights, "bn2");
        Linear(weights, "fc_latent", shape.H, ref random);
        Linear(weights, "fc_out", shape.H, ref random);
        Linear(weights, "fc_aux", shape.H, ref random);
        return weights;
    }

    /// <summary>nn.Linear: kaiming_uniform_(a = sqrt(5)) is U(-1/sqrt(fan_in), 1/sqrt(fan_in)), and the bias has the same bound.</summary>
    private static void Linear(RecursionWeights weights, string layer, int fanIn, ref SplitMix64 random)
    {
        var bound = 1 / Math.Sqrt(fanIn);
        foreach (ref var weight in weights.Parameter(layer + ".weight")) weight = random.NextUniform(bound);
        foreach (ref var bias in weights.Parameter(layer + ".bias")) bias = random.NextUniform(bound);
    }

    /// <summary>What the regressions say before they have seen anything.</summary>
    private static void Priors(ResidualStatistics statistics)
    {
        for (var k = 0; k < PoolFeatures.Count; k++) statistics.Pool[k] = (float)PoolFeatures.Prior[k];
        for (var k = 0; k < PairFeatures.Count; k++) statistics.Pairs[k] = (float)PairFeatures.Prior[k];
        statistics.Scale = 1;
        statistics.Reference = (float)WordFeatures.PriorReference;
    }

    /// <summary>nn.BatchNorm1d: weight 1, bias 0, running mean 0, running variance 1.</summary>
    private static void Norm(RecursionWeights weights, string layer)
    {
        weights.Parameter(layer + ".weight").Fill(1);
        weights.Statistic(layer + ".running_var").Fill(1);
    }
}
