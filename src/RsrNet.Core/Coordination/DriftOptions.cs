namespace RsrNet.Core.Coordination;

/// <summary>What is done about a drift of the stream. Finding it is always on; see <see cref="Telemetry.DriftWatch"/>.</summary>
public sealed record DriftOptions
{
    /// <summary>Whether learning reacts to a drift. Default false: events are told and nothing else changes. Residual mode only.</summary>
    public bool React { get; init; }

    /// <summary>What the learning rate is multiplied with after a drift. Default 3; above 0.</summary>
    public double RateFactor { get; init; } = 3;

    /// <summary>Labelled articles for which it is. Default 300; at least 1.</summary>
    public int ForArticles { get; init; } = 300;

    /// <summary>Older articles that stay in the reservoir, chosen at random; the others make room for the new topics. Default 100; at least 0.</summary>
    public int KeepReservoir { get; init; } = 100;
}
