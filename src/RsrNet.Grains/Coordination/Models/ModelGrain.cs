using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Coordination.Models;

/// <summary>
/// Claims its model in the store and goes on from the newest checkpoint. An activation that was cut off from the cluster has lost the claim to the next one: what it
/// learns is not kept.
/// </summary>
[Reentrant, KeepAlive, PreferCpuSilos]
internal sealed class ModelGrain(
    IDocumentStore store, IModelStore models, SiloNeighbours neighbours, LearningWatch watch, EngineCatalog engines, TimeProvider time, ILogger<ModelGrain> logger,
    ReadSentencePiece? readSentencePiece = null) : Grain, IModelGrain
{
    private ModelRunner? runner;

    private string Name => this.GetPrimaryKeyString();

    private ModelRunner Runner => runner ?? throw new StoreUnavailableException($"the model '{Name}' is not there any more");

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var known = await models.List(Warn, cancellationToken);
        if (!known.TryGetValue(Name, out var description) || await models.Claim(Name, cancellationToken) is not { } checkpoints)
        {
            DeactivateOnIdle();
            return;
        }
        runner = await ModelRunner.Open(Name, description, store, checkpoints, time, Warn, readSentencePiece, engines, cancellationToken);
        runner.Superseded += () => GrainContext.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "another activation learns the model"));
        runner.Start();
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (runner is null) return;
        try
        {
            await Task.Run(async () => await runner.DisposeAsync(), cancellationToken).WaitAsync(cancellationToken);
        }
        finally
        {
            watch.OnLeft();
        }
    }

    public Task Wake()
    {
        if (neighbours.LeaveTheRest) DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task OnArrived()
    {
        runner?.OnArrival();
        return Task.CompletedTask;
    }

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task Rest() => Runner.Rest();

    public Task<ModelStatus> Read() => Runner.Read();

    public Task<Classification> Classify(string text) => Runner.Classify(text);

    public async Task<float[][]> Embed(string[] texts, bool untrained) => [.. await Runner.Embed(texts, untrained)];

    public IAsyncEnumerable<string> Generate(string prompt, GenerationOptions generation, CancellationToken cancellation = default) =>
        Runner.Generate(prompt, generation, cancellation);

    public async Task<WeightSummary[]> ListWeights() => [.. await Runner.ListWeights()];

    public Task<ModelFile?> FindWeights(long? version) => Runner.FindWeights(version);

    public Task<long> ImportWeights(byte[] file) => Runner.ImportWeights(file);

    public Task<long?> RestoreWeights(long version) => Runner.RestoreWeights(version);

    public Task<WeightSummary> SaveWeights() => Runner.SaveWeights();

    private void Warn(string text) => logger.LogWarning("{Warning}", text);
}
