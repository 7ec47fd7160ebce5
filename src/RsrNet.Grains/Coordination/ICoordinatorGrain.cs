using Orleans.Concurrency;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Grains.Coordination;

/// <summary>Owns the weights and the optimiser, takes gradients, and gives documents out to replicas. There is one, with the key 0.</summary>
[Alias("rsrnet.coordinator-grain")]
public interface ICoordinatorGrain : IGrainWithIntegerKey, IGradientExchange
{
    /// <summary>Sees to it that learning goes on: activates the grain where that is needed.</summary>
    [Alias("wake")]
    Task Wake();

    /// <summary>Ends what is under way and writes a checkpoint, before the whole cluster is stopped. Nothing more is given out until another activation.</summary>
    [Alias("rest"), ResponseTimeout("00:02:00")]
    Task Rest();

    /// <summary>Articles were stored.</summary>
    [Alias("on-arrived"), OneWay]
    Task OnArrived();

    /// <summary>A document was stepped on request and has not finished its run.</summary>
    [Alias("on-unfinished"), OneWay]
    Task OnUnfinished(string id);

    [Alias("on-deleted"), OneWay]
    Task OnDeleted(string id);

    /// <summary>A part of the cluster fails and tries again.</summary>
    /// <param name="message">Null once it works again.</param>
    [Alias("on-problem"), OneWay]
    Task OnProblem(string part, string? message);

    /// <inheritdoc cref="ILearner.ListWeights"/>
    [Alias("list-weights")]
    Task<WeightSummary[]> ListWeights();

    /// <inheritdoc cref="ILearner.FindWeights"/>
    [Alias("find-weights"), ResponseTimeout("00:02:00")]
    Task<Checkpoint?> FindWeights(long? version);

    /// <inheritdoc cref="ILearner.ImportWeights"/>
    [Alias("import-weights"), ResponseTimeout("00:02:00")]
    Task<long> ImportWeights(Checkpoint weights);

    /// <inheritdoc cref="ILearner.PromoteShadow"/>
    [Alias("promote-shadow"), ResponseTimeout("00:02:00")]
    Task<long?> PromoteShadow();

    /// <inheritdoc cref="ILearner.SaveWeights"/>
    [Alias("save-weights"), ResponseTimeout("00:02:00")]
    Task<WeightSummary> SaveWeights();

    /// <summary>The current weights, by whose statistics a summary's sentences are chosen; null in the notebook's mode, where nothing of that is learned.</summary>
    /// <param name="term">Of the weights that the caller has, with <paramref name="version"/>: null where there are no newer ones.</param>
    [Alias("read-readout")]
    Task<PublishedWeights?> ReadReadout(long term, long version);

    /// <inheritdoc cref="ILearner.ReadTelemetry"/>
    [Alias("read-telemetry")]
    Task<TelemetrySnapshot> ReadTelemetry();
}
