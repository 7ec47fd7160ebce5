namespace RsrNet.Core.Replicas;

/// <summary>
/// Everything a state_dict of the network holds, in two flat buffers so that clipping, Adam, gradients on the wire and checkpoints are each one loop.
/// Matrices are [out, in], row-major, as PyTorch has them.
/// </summary>
public sealed class RecursionWeights
{
    public RecursionWeights(RecursionShape shape)
        : this(shape, new float[ParameterLayout.Of(shape).ParameterCount])
    {
    }

    /// <summary>Statistics of their own beside parameters that somebody else owns.</summary>
    internal RecursionWeights(RecursionShape shape, float[] parameters)
    {
        Shape = shape;
        Layout = ParameterLayout.Of(shape);
        Parameters = parameters;
        Statistics = new float[Layout.StatisticCount];
    }

    public RecursionShape Shape { get; }

    public ParameterLayout Layout { get; }

    /// <summary>All trainable parameters, one tensor after the other in <see cref="ParameterLayout.Parameters"/>' order.</summary>
    public float[] Parameters { get; }

    /// <summary>BatchNorm's running means and variances in <see cref="ParameterLayout.Statistics"/>' order.</summary>
    public float[] Statistics { get; }

    /// <summary>How many batches went into the running statistics (PyTorch's num_batches_tracked, the same for both layers).</summary>
    public long BatchesTracked { get; set; }

    public Span<float> Parameter(string name) => Layout.Parameters[Layout.IndexOfParameter(name)].Of(Parameters);

    public Span<float> Statistic(string name) => Layout.Statistics[Layout.IndexOfStatistic(name)].Of(Statistics);

    public RecursionWeights Clone()
    {
        var clone = new RecursionWeights(Shape);
        clone.CopyFrom(this);
        return clone;
    }

    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void CopyFrom(RecursionWeights other)
    {
        if (other.Shape != Shape) throw new ArgumentException($"weights of shape {other.Shape} do not fit a network of shape {Shape}", nameof(other));
        other.Parameters.CopyTo(Parameters, 0);
        other.Statistics.CopyTo(Statistics, 0);
        BatchesTracked = other.BatchesTracked;
    }
}
