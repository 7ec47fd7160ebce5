using System.Runtime.CompilerServices;
using Orleans.Runtime;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Grains.Coordination.Models;

/// <summary>The cluster's text models from the outside: on a gateway, or inside a silo. It asks grains and keeps nothing.</summary>
public sealed class ClusterModels(IGrainFactory grains) : ITextModels
{
    private IModelDirectoryGrain Directory => grains.GetGrain<IModelDirectoryGrain>(0);

    /// <summary>Makes a model of this process' configuration the cluster's (<see cref="ModelNaming"/>).</summary>
    /// <returns>What is paced otherwise from now on; null where nothing is.</returns>
    /// <exception cref="ModelConflictException">The cluster has another model of this name.</exception>
    public Task<string?> Name(string name, ModelDescription description, CancellationToken cancellation = default) =>
        ClusterCall.Ask(Directory.Name(name, description), cancellation);

    public async Task<IReadOnlyList<ModelStatus>> List(CancellationToken cancellation = default) => await ClusterCall.Ask(Directory.List(), cancellation);

    public async Task<ITextModel?> Find(string name, CancellationToken cancellation = default) =>
        await ClusterCall.Ask(Directory.Has(name), cancellation) ? Model(name) : null;

    public async Task<ITextModel?> Add(string name, ModelOptions options, CancellationToken cancellation = default)
    {
        options.CheckAddable(name); // says here, where the caller is, what is wrong with it
        try
        {
            return await ClusterCall.Ask(Directory.Add(name, new ModelDescription(options)), cancellation) ? Model(name) : null;
        }
        catch (EngineUnavailableException problem)
        {
            throw new ArgumentException(problem.Message, problem);
        }
    }

    public Task<bool> Remove(string name, CancellationToken cancellation = default) => ClusterCall.Ask(Directory.Remove(name), cancellation);

    private ClusterModel Model(string name) => new(name, grains.GetGrain<IModelGrain>(name));
}

/// <summary>One of them.</summary>
internal sealed class ClusterModel(string name, IModelGrain model) : ITextModel
{
    public string Name => name;

    public Task<ModelStatus> Read(CancellationToken cancellation = default) => ClusterCall.Ask(model.Read(), cancellation);

    public Task<Classification> Classify(string text, CancellationToken cancellation = default) => ClusterCall.Ask(model.Classify(text), cancellation);

    public async Task<IReadOnlyList<float[]>> Embed(IReadOnlyList<string> texts, bool untrained = false, CancellationToken cancellation = default) =>
        await ClusterCall.Ask(model.Embed([.. texts], untrained), cancellation);

    public async IAsyncEnumerable<string> Generate(
        string prompt, GenerationOptions generation, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await using var pieces = model.Generate(prompt, generation, cancellation).GetAsyncEnumerator(cancellation);
        while (await Next(pieces)) yield return pieces.Current;
    }

    public async Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default) => await ClusterCall.Ask(model.ListWeights(), cancellation);

    public Task<ModelFile?> FindWeights(long? version, CancellationToken cancellation = default) => ClusterCall.Ask(model.FindWeights(version), cancellation);

    public Task<long> ImportWeights(byte[] file, CancellationToken cancellation = default) => ClusterCall.Ask(model.ImportWeights(file), cancellation);

    public Task<long?> RestoreWeights(long version, CancellationToken cancellation = default) => ClusterCall.Ask(model.RestoreWeights(version), cancellation);

    public Task<WeightSummary> SaveWeights(CancellationToken cancellation = default) => ClusterCall.Ask(model.SaveWeights(), cancellation);

    private static async Task<bool> Next(IAsyncEnumerator<string> pieces)
    {
        try
        {
            return await pieces.MoveNextAsync();
        }
        catch (Exception problem) when (problem is EnumerationAbortedException or OrleansException or TimeoutException)
        {
            // The weights elsewhere are others: the text cannot go on.
            throw ClusterCall.Unavailable(problem);
        }
    }
}
