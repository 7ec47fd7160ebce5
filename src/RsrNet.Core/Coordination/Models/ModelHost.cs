using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination.Models;

/// <summary>
/// The text models of a server, each on its own way through the stored articles. Those of the configuration are there from the start; one that is added
/// later is remembered in the folder. Disposed before the store.
/// </summary>
public sealed class ModelHost : IAsyncDisposable
{
    private const string DescriptionFile = "model.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    private readonly ConcurrentDictionary<string, ModelRunner> runners = new(StringComparer.Ordinal);
    private readonly IDocumentStore store;
    private readonly string folder;
    private readonly TimeProvider time;
    private readonly Action<string> warn;
    private readonly ReadSentencePiece? readSentencePiece;
    private readonly EngineCatalog engines;
    private readonly Lock adding = new();
    private bool started;

    /// <param name="folder">Where each model keeps its checkpoints, in a folder of its name.</param>
    /// <param name="configured">By name; checked.</param>
    /// <param name="warn">Told what is odd but can be worked with.</param>
    /// <param name="readSentencePiece">Null where this edition reads none.</param>
    /// <param name="engines">What models are computed on; null for Core's own.</param>
    /// <exception cref="IOException">The folder cannot be used, or a vocabulary's file is not there or cannot be read.</exception>
    /// <exception cref="EngineUnavailableException">A configured model's engine is not there or cannot run here.</exception>
    public ModelHost(
        IDocumentStore store, string folder, IReadOnlyDictionary<string, ModelOptions> configured, TimeProvider? time = null, Action<string>? warn = null,
        ReadSentencePiece? readSentencePiece = null, EngineCatalog? engines = null)
    {
        this.engines = engines ?? EngineCatalog.OfCore();
        this.readSentencePiece = readSentencePiece;
        this.store = store;
        this.folder = folder;
        this.time = time ?? TimeProvider.System;
        this.warn = warn ?? (static _ => { });
        foreach (var (name, options) in configured)
        {
            if (options.VocabularyFile.Length > 0 && !File.Exists(options.VocabularyFile))
                throw new FileNotFoundException($"Models.{name}.VocabularyFile is '{options.VocabularyFile}', and there is no such file");
            if (options.Vocabulary == VocabularyKind.SentencePiece) Check(name, options);
            Open(name, options, options.FindEngine(name, this.engines));
        }
        // A server without models needs no place for them.
        foreach (var path in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
        {
            var name = Path.GetFileName(path);
            var description = Path.Combine(path, DescriptionFile);
            if (!runners.ContainsKey(name) && File.Exists(description) && ReadDescription(description) is { } options)
                Open(name, options, EngineOfRemembered(name, options));
        }
    }

    /// <summary>In the order of their names.</summary>
    public IReadOnlyList<ModelRunner> Models => [.. runners.Values.OrderBy(runner => runner.Name, StringComparer.Ordinal)];

    public ModelRunner? Find(string name) => runners.GetValueOrDefault(name);

    /// <summary>Begins to learn.</summary>
    public void Start()
    {
        lock (adding)
        {
            started = true;
            foreach (var runner in runners.Values) runner.Start();
        }
    }

    /// <summary>New articles are stored; models that rest look at once.</summary>
    public void OnArrival()
    {
        foreach (var runner in runners.Values) runner.OnArrival();
    }

    /// <summary>Adds a model, which then learns from the first stored article on, and is there again after a restart.</summary>
    /// <returns>Null where there is a model of this name.</returns>
    /// <exception cref="ArgumentException">Name or options are out of their range; the message names each.</exception>
    /// <exception cref="IOException">It could not be remembered.</exception>
    public ModelRunner? Add(string name, ModelOptions options)
    {
        if (options.VocabularyFile.Length > 0) throw new ArgumentException($"Models.{name}.VocabularyFile can only be named in the configuration");
        if (options.Problems(name) is { Count: > 0 } problems) throw new ArgumentException(string.Join("; ", problems), nameof(options));
        lock (adding)
        {
            if (runners.ContainsKey(name)) return null;
            var engine = FindEngine(name, options);
            Directory.CreateDirectory(Path.Combine(folder, name));
            DurableFile.Write(Path.Combine(folder, name, DescriptionFile), stream => JsonSerializer.Serialize(stream, options, Json));
            var runner = Open(name, options, engine);
            if (started) runner.Start();
            return runner;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var runner in runners.Values) await runner.DisposeAsync();
    }

    private ModelRunner Open(string name, ModelOptions options, EngineOffer engine) =>
        runners[name] = new ModelRunner(name, options, store, Path.Combine(folder, name), time, warn, readSentencePiece, engine);

    /// <exception cref="ArgumentException">It is not there or cannot run here.</exception>
    private EngineOffer FindEngine(string name, ModelOptions options)
    {
        try
        {
            return options.FindEngine(name, engines);
        }
        catch (EngineUnavailableException problem)
        {
            throw new ArgumentException(problem.Message, problem);
        }
    }

    /// <summary>A request chose it, and nobody is there to choose again: the same checkpoint goes on on any engine.</summary>
    private EngineOffer EngineOfRemembered(string name, ModelOptions options)
    {
        try
        {
            return options.FindEngine(name, engines);
        }
        catch (EngineUnavailableException problem)
        {
            var instead = engines.FindForText(EngineCatalog.Auto);
            warn($"{problem.Message}; the model goes on on the engine {instead.Name}");
            return instead;
        }
    }

    /// <summary>Says at the start what else would only come up when the first article is learned.</summary>
    private void Check(string name, ModelOptions options)
    {
        try
        {
            ModelRunner.Read(readSentencePiece, File.ReadAllBytes(options.VocabularyFile));
        }
        catch (InvalidDataException problem)
        {
            throw new IOException($"Models.{name}.VocabularyFile is '{options.VocabularyFile}': {problem.Message}", problem);
        }
    }

    private ModelOptions? ReadDescription(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<ModelOptions>(File.ReadAllBytes(path), Json);
        }
        catch (JsonException problem)
        {
            warn($"{path} is damaged, and its model is left out: {problem.Message}");
            return null;
        }
    }
}
