using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;

namespace RsrNet.Grains.Replicas;

/// <summary>Replicas go to silos with the wanted device, evenly.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ReplicaPlacementAttribute() : PlacementAttribute(new ReplicaPlacement());

[Serializable, GenerateSerializer, Immutable, SuppressReferenceTracking]
public sealed class ReplicaPlacement : PlacementStrategy;

internal sealed class ReplicaPlacementDirector(ReplicaPlaces places) : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context) =>
        Task.FromResult(places.Of((int)target.GrainIdentity.GetIntegerKey(), context.GetCompatibleSilos(target)));
}

/// <summary>Which silo a replica belongs on. Every silo that knows of the same silos comes to the same answer.</summary>
internal sealed class ReplicaPlaces(ISiloMetadataCache metadata, GrainOptions options)
{
    /// <param name="silos">Those there are; at least one.</param>
    public SiloAddress Of(int replica, IReadOnlyCollection<SiloAddress> silos)
    {
        List<SiloAddress> wanted = [.. silos.Where(HasDevice)];
        if (wanted.Count == 0) wanted = [.. silos];
        wanted.Sort((a, b) => CompareAddresses(a, b));
        return wanted[replica % wanted.Count];
    }

    private bool HasDevice(SiloAddress silo) =>
        options.ReplicaDevice == GrainOptions.AnyDevice
        || metadata.Of(silo, SiloRole.DeviceKey) == options.ReplicaDevice || metadata.Of(silo, SiloRole.RoleKey) == options.ReplicaDevice;

    // By address and port alone: a silo that comes back at the same place gets its replicas back.
    private static int CompareAddresses(SiloAddress a, SiloAddress b)
    {
        var hosts = string.CompareOrdinal(a.Endpoint.Address.ToString(), b.Endpoint.Address.ToString());
        return hosts != 0 ? hosts : a.Endpoint.Port != b.Endpoint.Port ? a.Endpoint.Port.CompareTo(b.Endpoint.Port) : a.Generation.CompareTo(b.Generation);
    }
}
