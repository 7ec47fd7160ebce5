using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;

namespace RsrNet.Grains.Replicas;

/// <summary>What a silo tells the others of itself when it joins.</summary>
public static class SiloRole
{
    /// <summary>Holds documents, the coordinator, the search index, and replicas.</summary>
    public const string Cpu = "cpu";

    /// <summary>Holds replicas; the rest only while no other silo is there.</summary>
    public const string Gpu = "gpu";

    internal const string RoleKey = "rsrnet.role";
    internal const string DeviceKey = "rsrnet.device";

    /// <param name="role"><see cref="Cpu"/> or <see cref="Gpu"/>.</param>
    /// <param name="device">What its engines run on.</param>
    internal static Dictionary<string, string> Metadata(string role, string device) => new() { [RoleKey] = role, [DeviceKey] = device };

    internal static string? Of(this ISiloMetadataCache metadata, SiloAddress silo, string key) =>
        metadata.GetSiloMetadata(silo).Metadata.GetValueOrDefault(key);
}

/// <summary>Where this silo stands among the others.</summary>
internal sealed class SiloNeighbours(ISiloMetadataCache metadata, ISiloStatusOracle silos, ILocalSiloDetails here)
{
    /// <summary>Whether this silo is there for its device, and another is there for the rest.</summary>
    public bool LeaveTheRest =>
        metadata.Of(here.SiloAddress, SiloRole.RoleKey) == SiloRole.Gpu
        && silos.GetApproximateSiloStatuses(onlyActive: true).Keys.Any(silo => metadata.Of(silo, SiloRole.RoleKey) == SiloRole.Cpu);
}

/// <summary>Keeps a grain off silos that are there for their device, unless there are no others.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PreferCpuSilosAttribute() : PlacementFilterAttribute(new PreferCpuSilos(order: 0));

/// <param name="order">Among several filters.</param>
public sealed class PreferCpuSilos(int order) : PlacementFilterStrategy(order)
{
    public PreferCpuSilos() : this(0)
    {
    }
}

internal sealed class PreferCpuSilosDirector(ISiloMetadataCache metadata) : IPlacementFilterDirector
{
    public IEnumerable<SiloAddress> Filter(PlacementFilterStrategy filterStrategy, PlacementTarget target, IEnumerable<SiloAddress> silos)
    {
        // One that has only just joined has not said yet what it is; those that have come first.
        var roles = silos.ToLookup(silo => metadata.Of(silo, SiloRole.RoleKey));
        if (roles.Contains(SiloRole.Cpu)) return roles[SiloRole.Cpu];
        return roles.Contains(null) ? roles[null] : roles[SiloRole.Gpu];
    }
}
