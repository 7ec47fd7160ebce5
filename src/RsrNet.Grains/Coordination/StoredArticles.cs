using RsrNet.Grains.Coordination.Models;

namespace RsrNet.Grains.Coordination;

internal static class StoredArticles
{
    /// <summary>Tells all that learn that articles were stored. They are durable: whoever does not hear of them now finds them in the store.</summary>
    public static void TellLearners(this IGrainFactory grains)
    {
        grains.GetGrain<ICoordinatorGrain>(0).OnArrived().Ignore();
        grains.GetGrain<IModelDirectoryGrain>(0).OnArrived().Ignore();
    }
}
