using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination.Models;

/// <summary>The text models beside a learner: those of one process, or a cluster's.</summary>
/// <exception cref="StoreUnavailableException">Of every call: the store or the cluster does not answer.</exception>
public interface ITextModels
{
    /// <summary>In the order of their names.</summary>
    Task<IReadOnlyList<ModelStatus>> List(CancellationToken cancellation = default);

    Task<ITextModel?> Find(string name, CancellationToken cancellation = default);

    /// <summary>Adds a model, which then learns from the first stored article on, and is there again after a restart.</summary>
    /// <returns>Null where there is a model of this name.</returns>
    /// <exception cref="ArgumentException">Name or options are out of their range; the message names each.</exception>
    /// <exception cref="IOException">It could not be remembered.</exception>
    Task<ITextModel?> Add(string name, ModelOptions options, CancellationToken cancellation = default);

    /// <summary>Removes a model with all its versions. One that a configuration names begins anew at the next start of that process.</summary>
    /// <returns>Whether there was one.</returns>
    Task<bool> Remove(string name, CancellationToken cancellation = default);
}

/// <summary>A text model that learns from the stream, as those see it who ask it something.</summary>
/// <exception cref="StoreUnavailableException">Of every call: it is just moving or closing; try again in a moment.</exception>
public interface ITextModel
{
    string Name { get; }

    Task<ModelStatus> Read(CancellationToken cancellation = default);

    /// <exception cref="ModelKindException">It is no classifier.</exception>
    Task<Classification> Classify(string text, CancellationToken cancellation = default);

    /// <summary>What the last layer sees of each text; empty before anything was learned.</summary>
    /// <param name="untrained">By a network of the same shape that has learned nothing.</param>
    /// <exception cref="ModelKindException">It is no classifier.</exception>
    Task<IReadOnlyList<float[]>> Embed(IReadOnlyList<string> texts, bool untrained = false, CancellationToken cancellation = default);

    /// <summary>What a language model makes of a prompt, in pieces as they come, with the weights that it has at the first of them.</summary>
    /// <exception cref="ModelKindException">At the first piece: it is no language model.</exception>
    IAsyncEnumerable<string> Generate(string prompt, GenerationOptions generation, CancellationToken cancellation = default);

    /// <summary>The versions that can be had: the current one and the kept checkpoints; newest first.</summary>
    Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default);

    /// <param name="version">Null for the current one.</param>
    /// <returns>Null where it is not kept, or the model has no network yet.</returns>
    /// <exception cref="InvalidDataException">The kept file is damaged.</exception>
    Task<ModelFile?> FindWeights(long? version, CancellationToken cancellation = default);

    /// <summary>
    /// Goes on from the weights of a file, as the next version and durably; the optimiser starts anew. Vocabulary and classes come with it; those of a bare state_dict are
    /// the model's own. Its place in the stream and its figures stay as they are.
    /// </summary>
    /// <param name="file">A safetensors file (<see cref="ModelStateDict"/>).</param>
    /// <returns>The new version.</returns>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="WeightsRejectedException">It does not fit this model; nothing changed.</exception>
    /// <exception cref="IOException">It could not be made durable; nothing changed.</exception>
    Task<long> ImportWeights(byte[] file, CancellationToken cancellation = default);

    /// <summary>Makes a kept version the current one again, under a new number, with its vocabulary, classes and optimiser; place and figures stay.</summary>
    /// <returns>The new version; null where that one is not kept.</returns>
    /// <exception cref="InvalidDataException">The kept file is damaged.</exception>
    /// <exception cref="IOException">It could not be made durable; nothing changed.</exception>
    Task<long?> RestoreWeights(long version, CancellationToken cancellation = default);

    /// <summary>Makes what was learned durable now.</summary>
    /// <returns>The newest version that is.</returns>
    /// <exception cref="IOException">It could not be written.</exception>
    Task<WeightSummary> SaveWeights(CancellationToken cancellation = default);
}

/// <param name="File">Safetensors, with PyTorch's names (<see cref="ModelStateDict"/>).</param>
public sealed record ModelFile(long Version, byte[] File);

public static class TextModelMap
{
    private const int Chunk = 32;

    /// <summary>Where a classifier puts articles on a plane, by a network that has learned nothing and by the one of now. Empty before there is one.</summary>
    /// <exception cref="ModelKindException">It is no classifier.</exception>
    public static async Task<MapComparison> CompareWithUntrained(this ITextModel model, IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        return new MapComparison(await Places(untrained: true), await Places(untrained: false));

        async Task<IReadOnlyList<MapPosition>> Places(bool untrained)
        {
            var vectors = new List<MapVector>(articles.Count);
            // A chunk at a time, so that learning waits for none of them long.
            foreach (var chunk in articles.Chunk(Chunk))
            {
                var seen = await model.Embed([.. chunk.Select(ModelRunner.TextOf)], untrained, cancellation);
                vectors.AddRange(chunk.Zip(seen, (article, vector) => new MapVector(article.Id, vector)));
            }
            return MapVector.Place(vectors);
        }
    }
}
