using System.Collections.Concurrent;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination.Models;

/// <summary>The text models of one process, each on its own way through the stored articles. Disposed before the store.</summary>
public sealed class ModelHost : ITextModels, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ModelRunner> runners = new(StringComparer.Ordinal);
    private readonly IDocumentStore store;
    private readonly IModelStore models;
    private readonly TimeProvider time;
    private readonly Action<string> warn;
    private readonly ReadSentencePiece? readSentencePiece;
    private readonly EngineCatalog engines;
    private readonly SemaphoreSlim adding = new(1, 1);
    private bool started;

    private ModelHost(
        IDocumentStore store, IModelStore models, TimeProvider? time, Action<string>? warn, ReadSentencePiece? readSentencePiece, EngineCatalog? engines)
    {
        this.engines = engines ?? EngineCatalog.OfCore();
        (this.store, this.models, this.readSentencePiece) = (store, models, readSentencePiece);
        this.time = time ?? TimeProvider.System;
        this.warn = warn ?? (static _ => { });
    }

    /// <summary>Opens the models of the configuration, and those that were there before.</summary>
    /// <param name="models">Outlives the host.</param>
    /// <param name="configured">By name; checked.</param>
    /// <param name="warn">Told what is odd but can be worked with.</param>
    /// <param name="readSentencePiece">Null where this edition reads none.</param>
    /// <param name="engines">What models are computed on; null for Core's own.</param>
    /// <exception cref="IOException">The place cannot be used, or a vocabulary's file is not there or cannot be read.</exception>
    /// <exception cref="EngineUnavailableException">A configured model's engine is not there or cannot run here.</exception>
    /// <exception cref="ModelConflictException">The configuration wants another network under a name that there is.</exception>
    public static async Task<ModelHost> Open(
        IDocumentStore store, IModelStore models, IReadOnlyDictionary<string, ModelOptions> configured, TimeProvider? time = null, Action<string>? warn = null,
        ReadSentencePiece? readSentencePiece = null, EngineCatalog? engines = null, CancellationToken cancellation = default)
    {
        var host = new ModelHost(store, models, time, warn, readSentencePiece, engines);
        try
        {
            foreach (var (name, options) in configured)
            {
                options.FindEngine(name, host.engines);
                var named = await models.Name(name, ModelDescription.Of(name, options, readSentencePiece), cancellation);
                if (named.Changed is { } changed) host.warn(changed);
            }
            foreach (var (name, description) in await models.List(host.warn, cancellation)) await host.Open(name, description, cancellation);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>In the order of their names.</summary>
    public IReadOnlyList<ModelRunner> Models => [.. runners.Values.OrderBy(runner => runner.Name, StringComparer.Ordinal)];

    public ModelRunner? Find(string name) => runners.GetValueOrDefault(name);

    Task<ITextModel?> ITextModels.Find(string name, CancellationToken cancellation) => Task.FromResult<ITextModel?>(Find(name));

    public async Task<IReadOnlyList<ModelStatus>> List(CancellationToken cancellation = default) =>
        await Task.WhenAll(Models.Select(runner => runner.Read(cancellation)));

    /// <summary>Begins to learn.</summary>
    public void Start()
    {
        started = true;
        foreach (var runner in runners.Values) runner.Start();
    }

    /// <summary>New articles are stored; models that rest look at once.</summary>
    public void OnArrival()
    {
        foreach (var runner in runners.Values) runner.OnArrival();
    }

    public async Task<ITextModel?> Add(string name, ModelOptions options, CancellationToken cancellation = default)
    {
        options.CheckAddable(name, engines);
        await adding.WaitAsync(cancellation);
        try
        {
            var description = new ModelDescription(options);
            if (!await models.Add(name, description, cancellation)) return null;
            var runner = await Open(name, description, cancellation);
            if (started) runner.Start();
            return runner;
        }
        finally
        {
            adding.Release();
        }
    }

    public async Task<bool> Remove(string name, CancellationToken cancellation = default)
    {
        await adding.WaitAsync(cancellation);
        try
        {
            var removed = await models.Remove(name, cancellation);
            if (runners.TryRemove(name, out var runner)) await runner.DisposeAsync();
            return removed;
        }
        finally
        {
            adding.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var runner in runners.Values) await runner.DisposeAsync();
        adding.Dispose();
    }

    private async Task<ModelRunner> Open(string name, ModelDescription description, CancellationToken cancellation)
    {
        var checkpoints = await models.Claim(name, cancellation) ?? throw new IOException($"the model '{name}' has just been removed");
        return runners[name] = await ModelRunner.Open(name, description, store, checkpoints, time, warn, readSentencePiece, engines, cancellation);
    }
}
