using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Learner;

namespace RsrNet.Core.Tests.Replicas;

/// <summary>Small articles and residual-mode weights for tests, 16 numbers a vector.</summary>
internal static class TinyNews
{
    public static readonly RecursionShape Shape = new(16, 5, 4) { Mode = LearningMode.Residual };

    private static readonly string[] Texts =
    [
        "The river rose by two metres on Monday. Hundreds of people left the old town. \"We saw it coming,\" said the mayor. Rain is forecast until Friday.",
        "The bank closed 40 branches this year. Its profit fell to 3 million. Clients complained about long queues. The union wants talks. Shares were flat.",
        "Storm warning for the coast. Ships stay in the harbour until the wind falls below nine knots.",
    ];

    /// <summary>Articles with a t that has something of their sentences.</summary>
    public static List<ReadArticle> Articles()
    {
        var encoder = new TinyEncoder();
        var articles = new List<ReadArticle>();
        foreach (var text in Texts)
        {
            var sentences = ArticleSentences.Of(encoder, text);
            string[] highlights = [sentences.Outlines[0].Text, "People left"];
            var vectors = new float[2 * encoder.Dimensions];
            encoder.Encode(new[] { text, string.Join(' ', highlights) }, vectors);
            articles.Add(new ReadArticle($"{articles.Count}", vectors[..encoder.Dimensions], vectors[encoder.Dimensions..], sentences, highlights));
        }
        return articles;
    }

    public static RecursionBatch Batch(IReadOnlyList<ReadArticle> articles)
    {
        var batch = new RecursionBatch(Shape, articles.Count);
        for (var row = 0; row < articles.Count; row++)
        {
            articles[row].X.CopyTo(batch.X, row * Shape.D);
            articles[row].T!.CopyTo(batch.T, row * Shape.D);
            batch.Sentences[row] = articles[row].Sentences;
        }
        return batch;
    }

    /// <summary>Weights in which nothing is zero, so that a test sees each of them.</summary>
    public static RecursionWeights Weights(int seed = 3)
    {
        var weights = RecursionInitialization.Create(Shape, seed);
        var random = new SplitMix64((ulong)seed);
        foreach (ref var weight in weights.Parameter("fc_weight.weight")) weight = random.NextUniform(0.6);
        weights.Parameter("fc_weight.bias")[0] = 0.05f;
        var statistics = new ResidualStatistics(weights);
        foreach (ref var mean in statistics.MeanX) mean = random.NextUniform(0.1);
        foreach (ref var mean in statistics.MeanT) mean = random.NextUniform(0.1);
        foreach (ref var mean in statistics.MeanSentence) mean = random.NextUniform(0.1);
        foreach (ref var weight in statistics.Pool) weight = random.NextUniform(0.4);
        foreach (ref var weight in statistics.Confidence) weight = random.NextUniform(0.4);
        statistics.Scale = 0.7f;
        statistics.Anchor = 0.8f;
        statistics.Line = new LogisticLine(-0.4, 3);
        return weights;
    }
}
