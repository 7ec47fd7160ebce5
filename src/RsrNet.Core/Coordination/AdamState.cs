namespace RsrNet.Core.Coordination;

/// <summary>What Adam remembers of one flat parameter buffer.</summary>
public sealed class AdamState(int parameters)
{
    /// <summary>[parameters] running mean of gradients (PyTorch's exp_avg).</summary>
    public float[] Mean { get; } = new float[parameters];

    /// <summary>[parameters] running mean of squared gradients (PyTorch's exp_avg_sq).</summary>
    public float[] Variance { get; } = new float[parameters];

    /// <summary>Steps taken; enters the bias correction.</summary>
    public long Step { get; set; }

    public AdamState Clone()
    {
        var clone = new AdamState(Mean.Length) { Step = Step };
        Mean.CopyTo(clone.Mean, 0);
        Variance.CopyTo(clone.Variance, 0);
        return clone;
    }
}
