using RsrNet.Core.Embedding;

namespace RsrNet.Core.Tests.Embedding;

/// <summary>Random weights and texts, the same in every run.</summary>
internal static class RandomBart
{
    public static BartWeights Weights(int width, int heads, int hidden, int layers, int positions)
    {
        var dice = new Random(width * 31 + hidden);
        float[] Normal(int count, double mean, double deviation) => [.. Enumerable.Range(0, count).Select(_ => (float)(mean + deviation
            * Math.Sqrt(-2 * Math.Log(1 - dice.NextDouble())) * Math.Cos(2 * Math.PI * dice.NextDouble())))];
        BartNorm Norm() => new(Normal(width, 1, 0.2), Normal(width, 0, 0.2));
        BartLinear Linear(int outputs, int inputs) => new(Normal(outputs * inputs, 0, 1 / Math.Sqrt(inputs)), Normal(outputs, 0, 0.1));
        var config = new BartConfig
        {
            Width = width, Heads = heads, Hidden = hidden, Layers = layers, Vocabulary = 40, Positions = positions, Scale = 1,
        };
        return new BartWeights(
            config, Normal(40 * width, 0, 1), Normal((positions + BartConfig.PositionOffset) * width, 0, 0.5), Norm(),
            [.. Enumerable.Range(0, layers).Select(_ => new BartLayer(
                Linear(width, width), Linear(width, width), Linear(width, width), Linear(width, width), Norm(),
                Linear(hidden, width), Linear(width, hidden), Norm()))],
            []);
    }

    public static int[] Ids(int length, int vocabulary)
    {
        var dice = new Random(length);
        return [.. Enumerable.Range(0, length).Select(_ => dice.Next(vocabulary))];
    }
}
