using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;
using Orleans.Runtime.Services;
using Orleans.Services;

namespace RsrNet.Grains.Documents;

/// <summary>The documents of one silo, seen from the coordinator; there is one on each.</summary>
[Alias("rsrnet.silo-documents")]
public interface ISiloDocuments : IGrainService
{
    /// <summary>A term of the coordinator is about to begin: what the one before taught is written when this completes, or will not be.</summary>
    [Alias("close"), ResponseTimeout("00:00:03")]
    Task Close(long term);

    /// <summary>The term has begun: documents in the store are as it found them.</summary>
    [Alias("open"), ResponseTimeout("00:00:03")]
    Task Open(long term);
}

[Reentrant]
internal sealed class SiloDocuments(GrainId id, Silo silo, ILoggerFactory loggers, DocumentWriter writer) : GrainService(id, silo, loggers), ISiloDocuments
{
    public Task Close(long term) => writer.Close(term);

    public Task Open(long term)
    {
        writer.OnTerm(term);
        return Task.CompletedTask;
    }
}

/// <summary>Tells all silos. One that does not answer is left: it is on its way out.</summary>
public interface ISiloDocumentsClient : IGrainServiceClient<ISiloDocuments>
{
    /// <inheritdoc cref="ISiloDocuments.Close"/>
    Task Close(long term);

    /// <inheritdoc cref="ISiloDocuments.Open"/>
    Task Open(long term);
}

internal sealed class SiloDocumentsClient(IServiceProvider services, ISiloStatusOracle silos, ILogger<SiloDocumentsClient> logger)
    : GrainServiceClient<ISiloDocuments>(services), ISiloDocumentsClient
{
    private const int Tries = 2;

    public Task Close(long term) => Tell(silo => silo.Close(term));

    public Task Open(long term) => Tell(silo => silo.Open(term));

    private Task Tell(Func<ISiloDocuments, Task> call) => Task.WhenAll(silos.GetApproximateSiloStatuses(onlyActive: true).Keys.Select(silo => Tell(silo, call)));

    private async Task Tell(SiloAddress silo, Func<ISiloDocuments, Task> call)
    {
        for (var tried = 1; !silos.IsDeadSilo(silo); tried++)
        {
            try
            {
                await call(GetGrainService(silo));
                return;
            }
            catch (Exception exception) when (exception is OrleansException or TimeoutException)
            {
                if (tried < Tries) continue;
                logger.LogWarning("the silo {Silo} does not answer; the coordinator's term begins without it", silo);
                return;
            }
        }
    }
}
