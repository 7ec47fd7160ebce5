using System.Runtime.CompilerServices;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination.Models;

/// <summary>
/// One text model on the stream: reads articles from its own position on, judges and learns them batch by batch, and makes weights and position durable
/// together. After a crash it goes on from the newest checkpoint, so that each article counts exactly once in the weights that are kept. A label that comes late
/// makes its article come by once more, and is learned then.
/// </summary>
/// <remarks>The model is touched on a thread of its own alone: batch and requests take turns there, and nobody's scheduler is held up.</remarks>
public sealed class ModelRunner : ITextModel, IAsyncDisposable
{
    /// <summary>Articles from which byte pairs are learned.</summary>
    private const int VocabularySample = 200;

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    private readonly IDocumentStore store;
    private readonly IModelCheckpoints checkpoints;
    private readonly VocabularyContent? fileVocabulary;
    private readonly TimeProvider time;
    private readonly ReadSentencePiece? readSentencePiece;
    private readonly EngineOffer engine;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim arrival = new(0);
    private readonly ComputeThread thread;

    /// <summary>Held by whoever makes new weights, until they are durable where they have to be.</summary>
    private readonly SemaphoreSlim changing = new(1, 1);

    // From here on all is the thread's.
    private TextModel? model;
    private ModelScores scores = new();
    private LearnedArticles learned = new([]);
    private float? loss;
    private long version, durableVersion, position, durablePosition, unsavedArticles;
    private volatile string? problem;
    private bool closed;

    // The loop's.
    private StoredStream stream;
    private long savedAt;
    private Task loop = Task.CompletedTask;

    private ModelRunner(
        string name, ModelDescription description, IDocumentStore store, IModelCheckpoints checkpoints, TimeProvider time, ReadSentencePiece? readSentencePiece,
        EngineOffer engine)
    {
        (Name, this.store, this.checkpoints, this.time, this.readSentencePiece, this.engine) = (name, store, checkpoints, time, readSentencePiece, engine);
        (Options, fileVocabulary) = (description.Options, description.Vocabulary);
        savedAt = time.GetTimestamp();
        stream = new StoredStream(store, 0);
        thread = new ComputeThread($"model {name}");
    }

    /// <summary>Opens a model where its newest checkpoint is.</summary>
    /// <param name="checkpoints">Claimed.</param>
    /// <param name="warn">Told what is odd but can be worked with: also that the wanted engine is not there, so that another computes.</param>
    /// <param name="engines">What it may be computed on; null for Core's own.</param>
    /// <exception cref="IOException">Checkpoints cannot be read, or this edition lacks what the vocabulary needs.</exception>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    public static async Task<ModelRunner> Open(
        string name, ModelDescription description, IDocumentStore store, IModelCheckpoints checkpoints, TimeProvider? time = null, Action<string>? warn = null,
        ReadSentencePiece? readSentencePiece = null, EngineCatalog? engines = null, CancellationToken cancellation = default)
    {
        var engine = EngineOf(name, description.Options, engines ?? EngineCatalog.OfCore(), warn);
        var runner = new ModelRunner(name, description, store, checkpoints, time ?? TimeProvider.System, readSentencePiece, engine);
        try
        {
            var newest = await checkpoints.LoadNewest(text => warn?.Invoke($"model {name}: {text}"), cancellation);
            if (newest is not null) await runner.Use(() => runner.Resume(newest), cancellation);
            return runner;
        }
        catch
        {
            await runner.DisposeAsync();
            throw;
        }
    }

    public string Name { get; }

    public ModelOptions Options { get; private set; }

    /// <summary>Somebody else learns the model now: this one has stopped, and what it learned since its last checkpoint is not kept.</summary>
    public event Action? Superseded;

    /// <summary>Begins to learn.</summary>
    public void Start() => loop = Task.Run(Run);

    /// <summary>New articles are stored.</summary>
    public void OnArrival()
    {
        if (arrival.CurrentCount == 0) arrival.Release();
    }

    public Task<ModelStatus> Read(CancellationToken cancellation = default) => Use(
        () => new ModelStatus(
            Name, Options, engine.Name, version, durableVersion, position, model?.ParameterCount ?? 0, model?.Vocabulary.Count ?? 0,
            Classes, scores.Read(), model?.RefusedGradients ?? 0, problem),
        cancellation);

    private IReadOnlyList<string> Classes => model is TextClassifier classifier ? [.. classifier.Classes] : [];

    public Task<Classification> Classify(string text, CancellationToken cancellation = default) =>
        Use(() => new Classification(version, Classifier()?.Classify(text) ?? []), cancellation);

    public Task<IReadOnlyList<float[]>> Embed(IReadOnlyList<string> texts, bool untrained = false, CancellationToken cancellation = default) => Use<IReadOnlyList<float[]>>(
        () =>
        {
            if (Classifier() is not { } classifier) return [];
            if (!untrained) return classifier.Embed(texts);
            using var before = new TextClassifier(
                Options with { Replicas = 1 }, classifier.Vocabulary, classifier.Classes, RecurrentNetwork.Create(classifier.Shape, Options.Seed), open: engine.OpenText);
            return before.Embed(texts);
        },
        cancellation);

    public async IAsyncEnumerable<string> Generate(
        string prompt, GenerationOptions generation, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (Options.Kind != ModelKind.LanguageModel)
            throw new ModelKindException($"'{Name}' is a classifier and makes no text; ask a model of kind LanguageModel, or classify with this one");
        // Learning goes on meanwhile; the text keeps the weights it began with.
        using var copy = await Use(() => model is LanguageModel current ? Copy(current) : null, CancellationToken.None);
        if (copy is null) yield break;
        using var pieces = Generation.Continue(copy, prompt, generation).GetEnumerator();
        while (!cancellation.IsCancellationRequested && await Task.Run(pieces.MoveNext, CancellationToken.None)) yield return pieces.Current;
        cancellation.ThrowIfCancellationRequested();
    }

    public async Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default)
    {
        var kept = await checkpoints.List(cancellation);
        var now = await Use(() => new WeightSummary(version, time.GetUtcNow(), loss, null, ModelCheckpoint.ModeOf(Options.Kind), 0, Current: true), cancellation);
        return [(kept.FirstOrDefault(summary => summary.Version == now.Version) ?? now) with { Current = true }, .. kept.Where(summary => summary.Version != now.Version)];
    }

    public async Task<ModelFile?> FindWeights(long? version, CancellationToken cancellation = default)
    {
        var (current, file) = await Use(
            () => (this.version, model is not null && (version is null || version == this.version) ? FileOf(model.Network, new ModelSource(Options, model.Vocabulary.Content, Classes)) : null),
            cancellation);
        if (file is not null) return new ModelFile(current, file);
        if (version is null || version == current || await checkpoints.Find(version.Value, cancellation) is not { } kept) return null;
        return new ModelFile(kept.Version, FileOf(kept.Network, new ModelSource(kept.Options, kept.Vocabulary, kept.Classes)));

        static byte[] FileOf(RecurrentNetwork network, ModelSource source)
        {
            using var file = new MemoryStream();
            ModelStateDict.Write(file, network, source);
            return file.ToArray();
        }
    }

    public async Task<long> ImportWeights(byte[] file, CancellationToken cancellation = default)
    {
        var (network, source) = await Task.Run(() => ModelStateDict.Read(new MemoryStream(file, writable: false), Options), cancellation);
        return await Change(() => Adopt(() =>
        {
            if (source is not null) return Create(NewVocabulary(source.Vocabulary), network, source.Classes);
            if (model is null || network.Shape.Vocabulary != model.Shape.Vocabulary || network.Shape.Outputs != model.Shape.Outputs)
            {
                throw new WeightsRejectedException(
                    $"the file does not say which words and classes its {network.Shape.Vocabulary} rows and {network.Shape.Outputs} outputs stand for, and the model has "
                    + $"{model?.Shape.Vocabulary ?? 0} and {model?.Shape.Outputs ?? 0}: bring the metadata of the file that was downloaded");
            }
            return Create(NewVocabulary(model.Vocabulary.Content), network, Classes);
        }, null));
    }

    public Task<long?> RestoreWeights(long version, CancellationToken cancellation = default) => Change<long?>(async () =>
    {
        if (await Use(() => version == this.version)) await SaveNow();
        return await checkpoints.Find(version, cancellation) is { } kept
            ? await Adopt(() => Create(NewVocabulary(kept.Vocabulary), kept.Network, kept.Classes, kept.Optimizer), kept.Loss)
            : null;
    });

    public async Task<WeightSummary> SaveWeights(CancellationToken cancellation = default)
    {
        await Change(async () =>
        {
            if (!await SaveNow() && (await checkpoints.List(cancellation)).Count == 0) await Save(() => model is null ? null : CheckpointOf(model, version, loss));
            return true;
        });
        return (await ListWeights(cancellation))[0];
    }

    /// <summary>Ends the learning and makes it durable. The model can still be asked.</summary>
    /// <exception cref="IOException">It could not be written. The newest checkpoint counts at the next start; what was learned since is learned again.</exception>
    public async Task Rest()
    {
        await stop.CancelAsync();
        await loop;
        await Change(SaveNow);
    }

    public async ValueTask DisposeAsync()
    {
        if (closed) return;
        closed = true;
        try
        {
            await Rest();
        }
        catch (Exception failure) when (failure is IOException or WeightsRejectedException or StoreUnavailableException)
        {
            // The newest checkpoint counts at the next start; what was learned since is learned again.
        }
        await Use(() =>
        {
            model?.Dispose();
            return true;
        });
        // The thread waits for nobody, but whoever closes it must not hold a scheduler meanwhile.
        await Task.Run(thread.Dispose);
        arrival.Dispose();
        changing.Dispose();
        stop.Dispose();
    }

    private bool HasUnsaved => model is not null && (position != durablePosition || version != durableVersion);

    /// <summary>Whoever chose it may have been on another machine: the same checkpoint goes on on any engine.</summary>
    private static EngineOffer EngineOf(string name, ModelOptions options, EngineCatalog engines, Action<string>? warn)
    {
        try
        {
            return options.FindEngine(name, engines);
        }
        catch (EngineUnavailableException problem)
        {
            var instead = engines.FindForText(EngineCatalog.Auto);
            warn?.Invoke($"{problem.Message}; the model goes on on the engine {instead.Name}");
            return instead;
        }
    }

    /// <summary>Does something with the model, on its thread.</summary>
    private async Task<T> Use<T>(Func<T> work, CancellationToken cancellation = default)
    {
        try
        {
            return await thread.Run(work).WaitAsync(cancellation);
        }
        catch (ObjectDisposedException closing)
        {
            throw new StoreUnavailableException($"the model '{Name}' is being closed; try again in a moment", closing);
        }
    }

    /// <summary>Makes new weights while nobody else does.</summary>
    private async Task<T> Change<T>(Func<Task<T>> work)
    {
        try
        {
            await changing.WaitAsync();
        }
        catch (ObjectDisposedException closing)
        {
            throw new StoreUnavailableException($"the model '{Name}' is being closed; try again in a moment", closing);
        }
        try
        {
            return await work();
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Goes on with another model, as the next version.</summary>
    /// <param name="create">Makes it, on the thread.</param>
    private async Task<long> Adopt(Func<TextModel> create, float? itsLoss)
    {
        var (adopted, next) = await Use(() =>
        {
            var created = create();
            if (created.Vocabulary.Count <= created.Shape.Vocabulary) return (created, version + 1);
            created.Dispose();
            throw new WeightsRejectedException($"the vocabulary has {created.Vocabulary.Count} tokens, and the network rows for {created.Shape.Vocabulary}");
        });
        try
        {
            // Durable first: what cannot be written is not used.
            await Save(() => CheckpointOf(adopted, next, itsLoss));
        }
        catch
        {
            await Use(() =>
            {
                adopted.Dispose();
                return true;
            });
            throw;
        }
        return await Use(() =>
        {
            model?.Dispose();
            (model, loss) = (adopted, itsLoss);
            return version = next;
        });
    }

    /// <returns>Whether there was something to save.</returns>
    private Task<bool> SaveNow() => Save(() => HasUnsaved ? CheckpointOf(model!, version, loss) : null);

    private async Task<bool> Save(Func<ModelCheckpoint?> take)
    {
        var started = time.GetTimestamp();
        // The file is made on the thread, and written while others go on.
        var (checkpoint, saving) = await Use(() => take() is { } taken ? (taken, checkpoints.Save(taken)) : (null, Task.CompletedTask));
        try
        {
            await saving;
        }
        catch (ModelClaimException lost)
        {
            problem = lost.Message;
            await stop.CancelAsync();
            if (!closed) Superseded?.Invoke();
            throw new StoreUnavailableException(lost.Message, lost);
        }
        if (checkpoint is null) return false;
        await Use(() =>
        {
            (durableVersion, durablePosition) = (checkpoint.Version, checkpoint.Position);
            unsavedArticles = 0;
            return true;
        });
        savedAt = time.GetTimestamp();
        ModelInstruments.OnCheckpointed(Name, checkpoint.Version, time.GetElapsedTime(started, savedAt));
        return true;
    }

    private ModelCheckpoint CheckpointOf(TextModel one, long its, float? itsLoss) => new(
        its, position, Options, one.Vocabulary.Content, one is TextClassifier classifier ? [.. classifier.Classes] : [], one.Network, one.Optimizer, scores.Read(),
        learned.Read(), time.GetUtcNow(), itsLoss);

    private async Task Run()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (await Use(() => model is null)) await Begin();
                var batch = await Use(() => model is null) ? [] : await Gather();
                if (batch.Count == 0) await Rest(TimeSpan.FromSeconds(1));
                else await Change(() => Use(() => Learn(batch)));
                if (await Use(IsDue)) await Change(SaveNow);
                problem = null;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure) when (failure is StoreUnavailableException or IOException or UnauthorizedAccessException)
            {
                problem = failure.Message;
                await Recover();
            }
#pragma warning disable CA1031 // one model that fails must not take the others and the server with it
            catch (Exception failure)
            {
                problem = $"it has stopped learning, and goes on from its last checkpoint at the next start: {failure.Message}";
                return;
            }
#pragma warning restore CA1031
        }
    }

    private bool IsDue() =>
        HasUnsaved && (unsavedArticles >= Options.CheckpointArticles || time.GetElapsedTime(savedAt).TotalSeconds >= Options.CheckpointSeconds);

    /// <summary>Makes the model, once there is what its vocabulary is made of.</summary>
    private async Task Begin()
    {
        IVocabulary vocabulary;
        if (fileVocabulary is not null || Options.Vocabulary != VocabularyKind.BytePairs) vocabulary = NewVocabulary(fileVocabulary);
        else
        {
            var sample = await new StoredStream(store, 0).Read(VocabularySample, stop.Token);
            if (sample.Count < VocabularySample) return;
            vocabulary = ModelVocabulary.Begin(Options, [.. sample.Select(document => TextOf(document.Article))]);
        }
        // Weights may have been imported meanwhile; those count.
        await Use(() => model ??= Create(vocabulary));
    }

    /// <summary>The next batch: full, or as long as its first article may wait. Articles that teach this model nothing are passed over.</summary>
    private async Task<List<Document>> Gather()
    {
        var batch = new List<Document>();
        var began = time.GetTimestamp();
        while (batch.Count < Options.BatchSize)
        {
            var next = await stream.Read(Options.BatchSize - batch.Count, stop.Token);
            if (next.Count > 0)
            {
                batch.AddRange(await Use(() => next.Where(Teaches).ToList()));
                continue;
            }
            var wait = TimeSpan.FromMilliseconds(Options.BatchWaitMs) - time.GetElapsedTime(began);
            if (batch.Count == 0 || wait <= TimeSpan.Zero) break;
            await Rest(wait);
        }
        if (batch.Count == 0) await Use(() => position = stream.Position);
        return batch;

        bool Teaches(Document document)
        {
            var label = LabelOf(document.Article);
            return (Options.Kind == ModelKind.LanguageModel || label is not null)
                && !learned.Contains(document.Id, TextOf(document.Article), label);
        }
    }

    /// <summary>What a classifier is taught of an article; null where there is nothing.</summary>
    private string? LabelOf(Article article) => Options.Kind == ModelKind.Classifier ? article.Labels.GetValueOrDefault(Options.Label) : null;

    private bool Learn(List<Document> batch)
    {
        var started = time.GetTimestamp();
        // One that came by twice while the batch was gathered is in it twice.
        batch.RemoveAll(document => !learned.Add(document.Id, TextOf(document.Article), LabelOf(document.Article)));
        if (model is null || batch.Count == 0) return false;
        var (before, refused) = (model.Updates, model.RefusedGradients);
        if (model is LanguageModel language)
        {
            var read = language.Learn(batch.ConvertAll(document => TextOf(document.Article)));
            scores.Add(batch.Count, read.Count, read.Hits, read.Value);
            loss = (float)read.Value;
        }
        else if (model is TextClassifier classifier)
        {
            var texts = batch.ConvertAll(document => new LabelledText(TextOf(document.Article), LabelOf(document.Article)!));
            var predicted = classifier.Predict(texts.ConvertAll(item => item.Text));
            var hits = 0;
            for (var i = 0; i < texts.Count; i++)
            {
                scores.AddClass(texts[i].Label, predicted[i]);
                if (predicted[i] == texts[i].Label) hits++;
            }
            var mean = classifier.Learn(texts);
            scores.Add(batch.Count, batch.Count, hits, mean);
            loss = (float)mean;
        }
        var updates = model.Updates - before;
        version += updates;
        position = stream.Position;
        unsavedArticles += batch.Count;
        ModelInstruments.OnLearned(
            Name, batch.Count, updates, model.RefusedGradients - refused, version, scores.Accuracy, scores.Loss, time.GetElapsedTime(started));
        return true;
    }

    private async Task Recover()
    {
        try
        {
            await Task.Delay(Retry, time, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
        // What was read and not learned comes again.
        stream = new StoredStream(store, await Use(() => position));
    }

    private async Task Rest(TimeSpan longest) => await arrival.WaitAsync(longest, stop.Token);

    private bool Resume(ModelCheckpoint checkpoint)
    {
        // What shapes the network is the checkpoint's; what only paces the learning may have changed.
        Options = checkpoint.Options.PacedAs(Options);
        model = Create(NewVocabulary(checkpoint.Vocabulary), checkpoint.Network, checkpoint.Classes, checkpoint.Optimizer);
        scores = ModelScores.From(checkpoint.Scores);
        learned = new LearnedArticles(checkpoint.Learned);
        loss = checkpoint.Loss;
        (version, durableVersion) = (checkpoint.Version, checkpoint.Version);
        (position, durablePosition) = (checkpoint.Position, checkpoint.Position);
        stream = new StoredStream(store, position);
        return true;
    }

    private TextModel Create(
        IVocabulary vocabulary, RecurrentNetwork? network = null, IReadOnlyList<string>? classes = null, AdamState? optimizer = null) =>
        Options.Kind == ModelKind.Classifier
            ? new TextClassifier(Options, vocabulary, classes, network, optimizer, engine.OpenText)
            : new LanguageModel(Options, vocabulary, network, optimizer, engine.OpenText);

    private IVocabulary NewVocabulary(VocabularyContent? content) => ModelVocabulary.Create(Options, content, readSentencePiece);

    private LanguageModel Copy(LanguageModel current)
    {
        var network = new RecurrentNetwork(current.Shape);
        current.Network.Parameters.Values.CopyTo(network.Parameters.Values, 0);
        network.Parameters.OnChanged();
        // Only what grows needs a copy.
        var vocabulary = Options.Vocabulary == VocabularyKind.SentencePiece ? current.Vocabulary : NewVocabulary(current.Vocabulary.Content);
        return new LanguageModel(Options with { Replicas = 1 }, vocabulary, network, open: engine.OpenText);
    }

    /// <exception cref="ModelKindException">It is no classifier.</exception>
    private TextClassifier? Classifier() => Options.Kind == ModelKind.Classifier
        ? model as TextClassifier
        : throw new ModelKindException($"'{Name}' is a language model and knows no classes; ask a model of kind Classifier, or generate with this one");

    /// <summary>What a model reads of an article: its title, where it has one, a newline and its text.</summary>
    public static string TextOf(Article article) => article.Title is { Length: > 0 } title ? $"{title}\n{article.Text}" : article.Text;
}
