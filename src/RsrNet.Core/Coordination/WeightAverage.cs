using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>
/// An exponential moving average of the parameters: calmer than the trained ones, and what is served. Polyak and Juditsky 1992; the warm-up is that of
/// TensorFlow's ExponentialMovingAverage: decay = min(decay, (1 + updates) / (10 + updates)).
/// </summary>
public sealed class WeightAverage
{
    /// <param name="weights">Where the average begins; copied.</param>
    /// <param name="decay">In [0, 1); 0 serves the trained weights themselves.</param>
    public WeightAverage(RecursionWeights weights, double decay)
    {
        if (!(decay is >= 0 and < 1)) throw new ArgumentException($"Residual.AverageDecay must be at least 0 and below 1, not {decay}");
        Decay = decay;
        Weights = weights.Clone();
    }

    /// <summary>In [0, 1).</summary>
    public double Decay { get; set; }

    /// <summary>The average; its statistics are those of the trained weights.</summary>
    public RecursionWeights Weights { get; }

    /// <summary>Updates that went into it.</summary>
    public long Updates { get; private set; }

    /// <summary>Goes on from an average that was kept.</summary>
    public void Restore(RecursionWeights weights, long updates)
    {
        Weights.CopyFrom(weights);
        Updates = updates;
    }

    /// <param name="trained">The weights after an update, or after several of which only the last ones are known.</param>
    /// <param name="updates">How many; the average comes as near to them as if they had been these weights each time.</param>
    public void Add(RecursionWeights trained, int updates = 1)
    {
        var kept = 1.0;
        for (var update = 0; update < updates; update++)
        {
            Updates++;
            kept *= Math.Min(Decay, (1.0 + Updates) / (10.0 + Updates));
        }
        var keep = (float)kept;
        var average = Weights.Parameters;
        for (var i = 0; i < average.Length; i++) average[i] = keep * average[i] + (1 - keep) * trained.Parameters[i];
        trained.Statistics.CopyTo(Weights.Statistics, 0);
        Weights.BatchesTracked = trained.BatchesTracked;
    }
}
