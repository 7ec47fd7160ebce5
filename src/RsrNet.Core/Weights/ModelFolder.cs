using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding.Vocabularies;

namespace RsrNet.Core.Weights;

/// <summary>
/// Text models in a folder, each in a folder of its name: <c>model.json</c> with its options, <c>vocabulary.json</c> where its vocabulary came from a file, and its checkpoints
/// (<see cref="VersionFiles"/>). Not for two processes at once.
/// </summary>
/// <param name="folder">Made with the first model: a server without models needs no place for them.</param>
public sealed class ModelFolder(string folder) : IModelStore
{
    private const string DescriptionFile = "model.json", VocabularyFile = "vocabulary.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    /// <summary>One call at a time: a file is not read while it is pruned, nor written twice at once.</summary>
    private readonly Lock gate = new();

    /// <summary>The claims of this process; others have none.</summary>
    private readonly Dictionary<string, long> terms = new(StringComparer.Ordinal);

    public Task<IReadOnlyDictionary<string, ModelDescription>> List(Action<string> warn, CancellationToken cancellation = default) => Run<IReadOnlyDictionary<string, ModelDescription>>(
        () =>
        {
            var models = new SortedDictionary<string, ModelDescription>(StringComparer.Ordinal);
            foreach (var path in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
            {
                if (File.Exists(Path.Combine(path, DescriptionFile)) && Read(path, warn) is { } description) models.Add(Path.GetFileName(path), description);
            }
            return models;
        },
        cancellation);

    public Task<bool> Add(string name, ModelDescription description, CancellationToken cancellation = default) => Run(
        () =>
        {
            if (File.Exists(Path.Combine(PathOf(name), DescriptionFile))) return false;
            Write(name, description);
            return true;
        },
        cancellation);

    public Task Change(string name, ModelDescription description, CancellationToken cancellation = default) => Run(
        () =>
        {
            if (!Directory.Exists(PathOf(name))) return false;
            Write(name, description);
            return true;
        },
        cancellation);

    public Task<bool> Remove(string name, CancellationToken cancellation = default) => Run(
        () =>
        {
            terms[name] = terms.GetValueOrDefault(name) + 1;
            if (!Directory.Exists(PathOf(name))) return false;
            // First what makes it a model: a crash in between leaves files that nobody reads.
            DurableFile.Delete(Path.Combine(PathOf(name), DescriptionFile));
            Directory.Delete(PathOf(name), recursive: true);
            return true;
        },
        cancellation);

    public Task<IModelCheckpoints?> Claim(string name, CancellationToken cancellation = default) => Run<IModelCheckpoints?>(
        () =>
        {
            if (!File.Exists(Path.Combine(PathOf(name), DescriptionFile))) return null;
            terms[name] = terms.GetValueOrDefault(name) + 1;
            return new Checkpoints(this, name, terms[name]);
        },
        cancellation);

    private string PathOf(string name) => Path.Combine(folder, name);

    private Task<T> Run<T>(Func<T> action, CancellationToken cancellation) => Task.Run(
        () =>
        {
            lock (gate) return action();
        },
        cancellation);

    private void Write(string name, ModelDescription description)
    {
        Directory.CreateDirectory(PathOf(name));
        if (description.Vocabulary is { } vocabulary)
            DurableFile.Write(Path.Combine(PathOf(name), VocabularyFile), stream => JsonSerializer.Serialize(stream, vocabulary, Json));
        DurableFile.Write(Path.Combine(PathOf(name), DescriptionFile), stream => JsonSerializer.Serialize(stream, description.Options, Json));
    }

    private static ModelDescription? Read(string path, Action<string> warn)
    {
        try
        {
            var vocabulary = Path.Combine(path, VocabularyFile);
            return new ModelDescription(
                JsonSerializer.Deserialize<ModelOptions>(File.ReadAllBytes(Path.Combine(path, DescriptionFile)), Json) ?? throw new JsonException("null"),
                File.Exists(vocabulary) ? JsonSerializer.Deserialize<VocabularyContent>(File.ReadAllBytes(vocabulary), Json) : null);
        }
        catch (JsonException problem)
        {
            warn($"{Path.Combine(path, DescriptionFile)} is damaged, and its model is left out: {problem.Message}");
            return null;
        }
    }

    private sealed class Checkpoints(ModelFolder models, string name, long term) : IModelCheckpoints
    {
        private readonly VersionFiles files = new(models.PathOf(name));

        public Task Save(ModelCheckpoint checkpoint, CancellationToken cancellation = default)
        {
            var content = ModelCheckpointFile.Write(checkpoint);
            return models.Run(
                () =>
                {
                    if (models.terms[name] != term) throw new ModelClaimException(name);
                    DurableFile.Write(files.PathOf(checkpoint.Version), stream => stream.Write(content));
                    foreach (var old in files.Versions().Skip(checkpoint.Options.Keep)) DurableFile.Delete(files.PathOf(old));
                    return true;
                },
                cancellation);
        }

        public Task<ModelCheckpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default) =>
            models.Run(() => files.ReadNewest(Load, warn), cancellation);

        public Task<ModelCheckpoint?> Find(long version, CancellationToken cancellation = default) => models.Run(() => files.Find(version, Load), cancellation);

        public Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default) => models.Run(() => files.List(ModelCheckpointFile.ReadSummary), cancellation);

        private ModelCheckpoint Load(long version) => ModelCheckpointFile.Read(files.PathOf(version));
    }
}
