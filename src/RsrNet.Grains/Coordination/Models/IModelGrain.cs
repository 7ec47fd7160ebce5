using Orleans.Concurrency;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Weights;

namespace RsrNet.Grains.Coordination.Models;

/// <summary>Owns a text model: it learns here and nowhere else. Its key is the model's name.</summary>
[Alias("rsrnet.model-grain")]
public interface IModelGrain : IGrainWithStringKey
{
    /// <summary>Sees to it that the model learns: activates the grain where that is needed.</summary>
    [Alias("wake"), ResponseTimeout("00:02:00")]
    Task Wake();

    /// <summary>Articles were stored.</summary>
    [Alias("on-arrived"), OneWay]
    Task OnArrived();

    /// <summary>What the model is has changed, or it was removed: this activation saves what may be saved and ends.</summary>
    [Alias("leave")]
    Task Leave();

    /// <summary>Ends the learning and writes a checkpoint, before the whole cluster is stopped.</summary>
    [Alias("rest"), ResponseTimeout("00:02:00")]
    Task Rest();

    /// <inheritdoc cref="ITextModel.Read"/>
    [Alias("read"), ResponseTimeout("00:00:10")]
    Task<ModelStatus> Read();

    /// <inheritdoc cref="ITextModel.Classify"/>
    [Alias("classify")]
    Task<Classification> Classify(string text);

    /// <inheritdoc cref="ITextModel.Embed"/>
    [Alias("embed"), ResponseTimeout("00:02:00")]
    Task<float[][]> Embed(string[] texts, bool untrained);

    /// <inheritdoc cref="ITextModel.Generate"/>
    [Alias("generate")]
    IAsyncEnumerable<string> Generate(string prompt, GenerationOptions generation, CancellationToken cancellation = default);

    /// <inheritdoc cref="ITextModel.ListWeights"/>
    [Alias("list-weights")]
    Task<WeightSummary[]> ListWeights();

    /// <inheritdoc cref="ITextModel.FindWeights"/>
    [Alias("find-weights"), ResponseTimeout("00:02:00")]
    Task<ModelFile?> FindWeights(long? version);

    /// <inheritdoc cref="ITextModel.ImportWeights"/>
    [Alias("import-weights"), ResponseTimeout("00:02:00")]
    Task<long> ImportWeights([Immutable] byte[] file);

    /// <inheritdoc cref="ITextModel.RestoreWeights"/>
    [Alias("restore-weights"), ResponseTimeout("00:02:00")]
    Task<long?> RestoreWeights(long version);

    /// <inheritdoc cref="ITextModel.SaveWeights"/>
    [Alias("save-weights"), ResponseTimeout("00:02:00")]
    Task<WeightSummary> SaveWeights();
}
