using RsrNet.Core.Replicas;

namespace RsrNet.Cli;

/// <summary>
/// What an executable brings to the commands: that of the core edition nothing of its own, that of the full edition the parts that need
/// other packages.
/// </summary>
internal sealed record Edition
{
    /// <summary>What <c>--engine</c> and the setting <c>Replicas.Engine</c> choose from.</summary>
    public EngineCatalog Engines { get; init; } = EngineCatalog.OfCore();
}
