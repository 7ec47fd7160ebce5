using Orleans.Runtime;
using RsrNet.Grains.Coordination.Models;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// When a silo has died, the others see to it that there are a coordinator and the text models: where what was lost had nothing under way, nobody else would ask
/// for it before its reminder does.
/// </summary>
internal sealed class LearningWatch(IGrainFactory grains, ISiloStatusOracle silos, TimeProvider time) : ISiloStatusListener
{
    /// <summary>How long to go on trying; the reminders go on after that.</summary>
    private static readonly TimeSpan Endurance = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Wakes all that learn now, and after each death from now on.</summary>
    public Task Start()
    {
        silos.SubscribeToSiloStatusEvents(this);
        // A model that cannot be opened keeps no silo from starting.
        Task.Run(() => Persist(WakeModels));
        return WakeCoordinator();
    }

    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status == SiloStatus.Dead) WakeAll();
    }

    /// <summary>What learned has left this silo while the silo stays, as when the part of the grain directory that knew of it went with another.</summary>
    public void OnLeft() => WakeAll();

    private void WakeAll()
    {
        Task.Run(() => Persist(WakeCoordinator));
        Task.Run(() => Persist(WakeModels));
    }

    private Task WakeCoordinator() => grains.GetGrain<ICoordinatorGrain>(0).Wake();

    private Task WakeModels() => grains.GetGrain<IModelDirectoryGrain>(0).Wake();

    private async Task Persist(Func<Task> wake)
    {
        var since = time.GetTimestamp();
        // A silo that ends itself leaves it to those that stay.
        while (time.GetElapsedTime(since) < Endurance && silos.CurrentStatus is SiloStatus.Active or SiloStatus.Joining)
        {
            try
            {
                await wake();
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
