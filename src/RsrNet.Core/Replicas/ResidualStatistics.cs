using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>The named parts of <see cref="RecursionWeights.Statistics"/> in the residual mode: what the regressions beside the network have found.</summary>
/// <param name="weights">Of a network in the residual mode.</param>
public sealed class ResidualStatistics(RecursionWeights weights)
{
    private readonly float[] buffer = weights.Statistics;
    private readonly ParameterSlot meanX = Slot(weights, "mean.x");
    private readonly ParameterSlot meanT = Slot(weights, "mean.t");
    private readonly ParameterSlot meanSentence = Slot(weights, "mean.sentence");
    private readonly ParameterSlot pool = Slot(weights, "pool.weight");
    private readonly ParameterSlot scale = Slot(weights, "pool.scale");
    private readonly ParameterSlot anchor = Slot(weights, "pool.anchor");
    private readonly ParameterSlot confidence = Slot(weights, "confidence.weight");
    private readonly ParameterSlot offset = Slot(weights, "confidence.offset");
    private readonly ParameterSlot slope = Slot(weights, "confidence.slope");
    private readonly ParameterSlot words = Slot(weights, "words.weight");
    private readonly ParameterSlot reference = Slot(weights, "words.reference");
    private readonly ParameterSlot pairs = Slot(weights, "pairs.weight");
    private readonly ParameterSlot open = Slot(weights, "readout.open");

    /// <summary>[d] means of x, of t and of unit sentence vectors: what all have in common and nothing is told by.</summary>
    public Span<float> MeanX => meanX.Of(buffer);

    public Span<float> MeanT => meanT.Of(buffer);

    public Span<float> MeanSentence => meanSentence.Of(buffer);

    /// <summary>[K] weights of <see cref="PoolFeatures"/>.</summary>
    public Span<float> Pool => pool.Of(buffer);

    /// <summary>Length of y's part beside the mean that makes its squared error smallest.</summary>
    public ref float Scale => ref scale.Of(buffer)[0];

    /// <summary>How much of the article itself is in y, beside what the regression and the network found; an option, kept with the weights that it shaped.</summary>
    public ref float Anchor => ref anchor.Of(buffer)[0];

    /// <summary>[7] weights of <see cref="ConfidenceFeatures"/>.</summary>
    public Span<float> Confidence => confidence.Of(buffer);

    /// <summary>q of a foretold cosine.</summary>
    public LogisticLine Line
    {
        get => new(offset.Of(buffer)[0], slope.Of(buffer)[0]);
        set => (offset.Of(buffer)[0], slope.Of(buffer)[0]) = ((float)value.Offset, (float)value.Slope);
    }

    /// <summary>[3, 16] weights of <see cref="WordFeatures"/>: for a word to stand in the highlights once, twice, three times.</summary>
    public Span<float> Words => words.Of(buffer);

    /// <summary>Words that highlights have on average.</summary>
    public ref float Reference => ref reference.Of(buffer)[0];

    /// <summary>[8] weights of <see cref="PairFeatures"/>: for a pair of words to stand in the highlights.</summary>
    public Span<float> Pairs => pairs.Of(buffer);

    /// <summary>1 where the learned readout serves, 0 where the article's first sentences do.</summary>
    public ref float ReadoutOpen => ref open.Of(buffer)[0];

    private static ParameterSlot Slot(RecursionWeights weights, string name) => weights.Layout.Statistics[weights.Layout.IndexOfStatistic(name)];
}
