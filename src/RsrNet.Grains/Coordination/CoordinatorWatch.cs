using Orleans.Runtime;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// When a silo has died, the others see to it that there is a coordinator: where the one that was lost had nothing under way, nobody else would ask for it
/// before its reminder does.
/// </summary>
internal sealed class CoordinatorWatch(IGrainFactory grains, ISiloStatusOracle silos, TimeProvider time) : ISiloStatusListener
{
    /// <summary>How long to go on trying; the reminder goes on after that.</summary>
    private static readonly TimeSpan Endurance = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Wakes the coordinator now, and after each death from now on.</summary>
    public Task Start()
    {
        silos.SubscribeToSiloStatusEvents(this);
        return grains.GetGrain<ICoordinatorGrain>(0).Wake();
    }

    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status == SiloStatus.Dead) Task.Run(Wake);
    }

    private async Task Wake()
    {
        var since = time.GetTimestamp();
        // A silo that ends itself leaves it to those that stay.
        while (time.GetElapsedTime(since) < Endurance && silos.CurrentStatus == SiloStatus.Active)
        {
            try
            {
                await grains.GetGrain<ICoordinatorGrain>(0).Wake();
                return;
            }
#pragma warning disable CA1031 // whatever keeps it from waking, it is tried again; and where this silo ends, nothing is left to do
            catch (Exception)
            {
                await Task.Delay(RetryAfter, time);
            }
#pragma warning restore CA1031
        }
    }
}
