namespace RsrNet.Core.Coordination;

/// <summary>A challenger that learns from the same stream with other options and serves nobody, until it is promoted. Residual mode only.</summary>
public sealed record ShadowOptions
{
    /// <summary>Whether there is one. Default false: it costs about as much computation as learning itself, on a thread of its own.</summary>
    public bool Enabled { get; init; }

    /// <summary>How the challenger learns. Sizes and depth must be those of Residual: it differs in how it learns, not in its network.</summary>
    public ResidualOptions Challenger { get; init; } = new();

    /// <summary>Labelled articles over which the two are compared. Default 500; at least 20.</summary>
    public int Window { get; init; } = 500;

    /// <summary>
    /// Over a full window, the mean gain in prequential cosine from which the challenger is promoted by itself, if the 95% interval of the gain is above 0 too.
    /// Default 0: only by command; at least 0.
    /// </summary>
    public double PromoteGain { get; init; }
}
