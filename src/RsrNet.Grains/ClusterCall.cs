using Orleans.Runtime;
using RsrNet.Core.Documents;

namespace RsrNet.Grains;

/// <summary>While silos come and go a call may find nobody; the caller may try again, as with a store that is away for a moment.</summary>
internal static class ClusterCall
{
    /// <exception cref="StoreUnavailableException">The cluster did not answer.</exception>
    public static async Task<T> Ask<T>(Task<T> call, CancellationToken cancellation)
    {
        try
        {
            return await call.WaitAsync(cancellation);
        }
        catch (Exception problem) when (problem is OrleansException or TimeoutException)
        {
            throw Unavailable(problem);
        }
    }

    public static StoreUnavailableException Unavailable(Exception problem) =>
        new("the cluster does not answer: a silo has gone or is just coming; try again in a moment", problem);
}
