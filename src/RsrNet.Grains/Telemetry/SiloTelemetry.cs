using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;
using Orleans.Runtime.Services;
using Orleans.Services;
using RsrNet.Core.Embedding;
using RsrNet.Core.Telemetry;

namespace RsrNet.Grains.Telemetry;

/// <summary>What one silo has counted; there is one on each.</summary>
[Alias("rsrnet.silo-telemetry")]
public interface ISiloTelemetry : IGrainService
{
    /// <summary>Counters of documents and weights are zero: those are the coordinator's to know.</summary>
    [Alias("read"), ResponseTimeout("00:00:02")]
    Task<TelemetrySnapshot> Read();
}

[Reentrant]
internal sealed class SiloTelemetry(
    GrainId id, Silo silo, ILoggerFactory loggers, LearnerTelemetry telemetry, ITextEncoder encoder) : GrainService(id, silo, loggers), ISiloTelemetry
{
    public Task<TelemetrySnapshot> Read() => Task.FromResult(telemetry.Read(default, 0, 0, encoder.Id, ""));
}

/// <summary>Asks all silos.</summary>
public interface ISiloTelemetryClient : IGrainServiceClient<ISiloTelemetry>
{
    /// <summary>One for each silo; of one that does not answer in time, what it said last.</summary>
    Task<IReadOnlyList<TelemetrySnapshot>> ReadAll();
}

internal sealed class SiloTelemetryClient(IServiceProvider services, ISiloStatusOracle silos)
    : GrainServiceClient<ISiloTelemetry>(services), ISiloTelemetryClient
{
    private readonly Lock gate = new();
    private readonly Dictionary<SiloAddress, TelemetrySnapshot> latest = [];

    public async Task<IReadOnlyList<TelemetrySnapshot>> ReadAll()
    {
        await Task.WhenAll(silos.GetApproximateSiloStatuses(onlyActive: true).Keys.Select(Read));
        // Those of silos that have gone stay: what they did has been done.
        lock (gate) return [.. latest.Values];
    }

    private async Task Read(SiloAddress silo)
    {
        try
        {
            var snapshot = await GetGrainService(silo).Read();
            lock (gate) latest[silo] = snapshot;
        }
        catch (Exception exception) when (exception is OrleansException or TimeoutException)
        {
            // It is on its way out, or busy.
        }
    }
}
