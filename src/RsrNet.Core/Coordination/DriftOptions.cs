namespace RsrNet.Core.Coordination;

/// <summary>What is done about a drift of the stream. Finding it is always on; see <see cref="Telemetry.DriftWatch"/>.</summary>
public sealed record DriftOptions
{
    /// <summary>Whether learning forgets after a drift. Default true; false tells of it and changes nothing else. Residual mode only.</summary>
    public bool React { get; init; } = true;

    /// <summary>
    /// Articles that all before a drift count for afterwards, in the means, the regressions and the reservoir. Default 50; at least 1. Fewer follow the new topics
    /// faster and cost more where the alarm was false.
    /// </summary>
    public int KeepArticles { get; init; } = 50;
}
