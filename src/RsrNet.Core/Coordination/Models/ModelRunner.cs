using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination.Models;

/// <summary>
/// One text model on the stream: reads articles from its own position on, judges and learns them batch by batch, and makes weights and position durable
/// together. After a crash it goes on from the newest checkpoint, so that each article counts exactly once in the weights that are kept.
/// </summary>
public sealed class ModelRunner : IAsyncDisposable
{
    /// <summary>Articles from which byte pairs are learned.</summary>
    private const int VocabularySample = 200;

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    private readonly IDocumentStore store;
    private readonly ModelCheckpointFolder checkpoints;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim arrival = new(0);

    /// <summary>Held while the model is used: by the loop for a batch, by requests for an answer.</summary>
    private readonly Lock gate = new();
    private TextModel? model;
    private ModelScores scores = new();
    private StoredStream stream;
    private long version, durableVersion, position, durablePosition, unsavedArticles;
    private long savedAt;
    private string? problem;
    private Task loop = Task.CompletedTask;

    /// <param name="options">Already checked. Those of a checkpoint count where there is one.</param>
    /// <param name="warn">Told what is odd but can be worked with.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    internal ModelRunner(string name, ModelOptions options, IDocumentStore store, string folder, TimeProvider time, Action<string> warn)
    {
        (Name, this.store, this.time) = (name, store, time);
        checkpoints = new ModelCheckpointFolder(folder, options.Keep);
        savedAt = time.GetTimestamp();
        Options = options;
        if (checkpoints.LoadNewest(text => warn($"model {name}: {text}")) is { } checkpoint) Resume(checkpoint);
        stream = new StoredStream(store, position);
    }

    public string Name { get; }

    public ModelOptions Options { get; private set; }

    /// <summary>Begins to learn.</summary>
    internal void Start() => loop = Task.Run(Run);

    /// <summary>New articles are stored.</summary>
    internal void OnArrival()
    {
        if (arrival.CurrentCount == 0) arrival.Release();
    }

    public ModelStatus Read()
    {
        lock (gate)
        {
            return new ModelStatus(
                Name, Options, version, durableVersion, position, model?.Network.Parameters.Values.Length ?? 0, model?.Vocabulary.Count ?? 0,
                model is TextClassifier classifier ? [.. classifier.Classes] : [], scores.Read(), problem);
        }
    }

    /// <exception cref="ModelKindException">It is no classifier.</exception>
    public Classification Classify(string text)
    {
        lock (gate) return new Classification(version, Classifier()?.Classify(text) ?? []);
    }

    /// <summary>What the last layer sees of each text.</summary>
    /// <param name="untrained">By a network of the same shape that has learned nothing.</param>
    /// <exception cref="ModelKindException">It is no classifier.</exception>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts, bool untrained = false)
    {
        lock (gate)
        {
            if (Classifier() is not { } classifier) return [];
            if (!untrained) return classifier.Embed(texts);
            using var before = new TextClassifier(
                Options, classifier.Vocabulary, classifier.Classes, RecurrentNetwork.Create(classifier.Network.Shape, Options.Seed));
            return before.Embed(texts);
        }
    }

    /// <summary>What a language model makes of a prompt, in pieces as they come, with the weights of now.</summary>
    /// <exception cref="ModelKindException">It is no language model.</exception>
    public IEnumerable<string> Generate(string prompt, GenerationOptions generation)
    {
        if (Options.Kind != ModelKind.LanguageModel)
            throw new ModelKindException($"'{Name}' is a classifier and makes no text; ask a model of kind LanguageModel, or classify with this one");
        return Continue();

        IEnumerable<string> Continue()
        {
            LanguageModel? copy;
            lock (gate) copy = model is LanguageModel current ? Copy(current) : null;
            if (copy is null) yield break;
            // Learning goes on meanwhile; the text keeps the weights it began with.
            using (copy)
            {
                foreach (var piece in Generation.Continue(copy, prompt, generation)) yield return piece;
            }
        }
    }

    /// <summary>The versions that can be had, newest first.</summary>
    public IReadOnlyList<long> Versions()
    {
        lock (gate) return [version, .. checkpoints.Versions().Where(kept => kept != version)];
    }

    /// <summary>A version's state_dict as safetensors; null version for the current one; null where it is not kept.</summary>
    public byte[]? FindWeights(long? wanted)
    {
        using var file = new MemoryStream();
        lock (gate)
        {
            if (wanted is null || wanted == version)
            {
                if (model is null) return null;
                ModelCheckpointFile.WriteStateDict(file, model.Network);
                return file.ToArray();
            }
        }
        if (checkpoints.Find(wanted.Value) is not { } checkpoint) return null;
        ModelCheckpointFile.WriteStateDict(file, checkpoint.Network);
        return file.ToArray();
    }

    /// <summary>Makes what was learned durable now.</summary>
    public void Save()
    {
        lock (gate)
        {
            if (model is null || (position == durablePosition && version == durableVersion)) return;
            checkpoints.Save(new ModelCheckpoint(
                version, position, Options, model.Vocabulary.Content, model is TextClassifier classifier ? [.. classifier.Classes] : [], model.Network,
                model.Optimizer, scores.Read(), time.GetUtcNow()));
            (durableVersion, durablePosition, unsavedArticles) = (version, position, 0);
            savedAt = time.GetTimestamp();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (stop.IsCancellationRequested) return;
        await stop.CancelAsync();
        await loop;
        try
        {
            Save();
        }
        catch (IOException)
        {
            // The newest checkpoint counts at the next start; what was learned since is learned again.
        }
        model?.Dispose();
        arrival.Dispose();
        stop.Dispose();
    }

    private async Task Run()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                model ??= await Begin();
                var batch = model is null ? [] : await Gather();
                if (batch.Count > 0) Learn(batch);
                else await Rest(TimeSpan.FromSeconds(1));
                if (unsavedArticles >= Options.CheckpointArticles || time.GetElapsedTime(savedAt).TotalSeconds >= Options.CheckpointSeconds) Save();
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

    /// <summary>The model, once there is what its vocabulary is made of; null until then.</summary>
    private async Task<TextModel?> Begin()
    {
        if (Options.Vocabulary != VocabularyKind.BytePairs) return Create(NewVocabulary([]));
        var sample = await new StoredStream(store, 0).Read(VocabularySample, stop.Token);
        return sample.Count < VocabularySample ? null : Create(NewVocabulary([.. sample.Select(document => TextOf(document.Article))]));
    }

    /// <summary>The next batch: full, or as long as its first article may wait. Articles that teach this model nothing are passed over.</summary>
    private async Task<List<Document>> Gather()
    {
        var batch = new List<Document>();
        var began = time.GetTimestamp();
        while (batch.Count < Options.BatchSize)
        {
            var next = await stream.Read(Options.BatchSize - batch.Count, stop.Token);
            batch.AddRange(next.Where(document => Options.Kind == ModelKind.LanguageModel || document.Article.Labels.ContainsKey(Options.Label)));
            if (next.Count > 0) continue;
            var wait = TimeSpan.FromMilliseconds(Options.BatchWaitMs) - time.GetElapsedTime(began);
            if (batch.Count == 0 || wait <= TimeSpan.Zero) break;
            await Rest(wait);
        }
        if (batch.Count == 0) lock (gate) position = stream.Position;
        return batch;
    }

    private void Learn(List<Document> batch)
    {
        var started = time.GetTimestamp();
        lock (gate)
        {
            var updates = 1L;
            if (model is LanguageModel language)
            {
                var texts = batch.ConvertAll(document => TextOf(document.Article));
                var before = language.Optimizer.Step;
                var loss = language.Learn(texts);
                updates = language.Optimizer.Step - before;
                scores.Add(batch.Count, loss.Count, loss.Hits, loss.Value);
            }
            else if (model is TextClassifier classifier)
            {
                var texts = batch.ConvertAll(document => new LabelledText(TextOf(document.Article), document.Article.Labels[Options.Label]));
                var predicted = classifier.Predict(texts.ConvertAll(item => item.Text));
                var hits = 0;
                for (var i = 0; i < texts.Count; i++)
                {
                    scores.AddClass(texts[i].Label, predicted[i]);
                    if (predicted[i] == texts[i].Label) hits++;
                }
                scores.Add(batch.Count, batch.Count, hits, classifier.Learn(texts));
            }
            version += updates;
            position = stream.Position;
            unsavedArticles += batch.Count;
            ModelInstruments.OnLearned(Name, batch.Count, updates, scores.Accuracy, scores.Loss, time.GetElapsedTime(started));
        }
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
    }

    private async Task Rest(TimeSpan longest) => await arrival.WaitAsync(longest, stop.Token);

    private void Resume(ModelCheckpoint checkpoint)
    {
        // What shapes the network is the checkpoint's; what only paces the learning may be changed.
        Options = checkpoint.Options with
        {
            BatchSize = Options.BatchSize, BatchWaitMs = Options.BatchWaitMs, LearningRate = Options.LearningRate, ClipNorm = Options.ClipNorm,
            MaxTokens = Options.MaxTokens, CheckpointArticles = Options.CheckpointArticles, CheckpointSeconds = Options.CheckpointSeconds, Keep = Options.Keep,
        };
        var vocabulary = NewVocabulary([], checkpoint.Vocabulary);
        model = Options.Kind == ModelKind.Classifier
            ? new TextClassifier(Options, vocabulary, checkpoint.Classes, checkpoint.Network, checkpoint.Optimizer)
            : new LanguageModel(Options, vocabulary, checkpoint.Network, checkpoint.Optimizer);
        scores = ModelScores.From(checkpoint.Scores);
        (version, durableVersion) = (checkpoint.Version, checkpoint.Version);
        (position, durablePosition) = (checkpoint.Position, checkpoint.Position);
    }

    private TextModel Create(IVocabulary vocabulary) =>
        Options.Kind == ModelKind.Classifier ? new TextClassifier(Options, vocabulary) : new LanguageModel(Options, vocabulary);

    private IVocabulary NewVocabulary(IReadOnlyList<string> texts, VocabularyContent? content = null) => Options.Vocabulary switch
    {
        VocabularyKind.Words => new WordVocabulary(Options.MinimumCount, Options.VocabularyLimit, content),
        VocabularyKind.Characters => new CharacterVocabulary(Options.MinimumCount, Options.VocabularyLimit, content),
        _ => content is null ? BytePairVocabulary.Train(texts, Math.Min(Options.VocabularyLimit, 4_000)) : new BytePairVocabulary(content.Tokens),
    };

    private LanguageModel Copy(LanguageModel current)
    {
        var network = new RecurrentNetwork(current.Network.Shape);
        current.Network.Parameters.Values.CopyTo(network.Parameters.Values, 0);
        network.Parameters.OnChanged();
        return new LanguageModel(Options, NewVocabulary([], current.Vocabulary.Content), network);
    }

    /// <exception cref="ModelKindException">It is no classifier.</exception>
    private TextClassifier? Classifier() => Options.Kind == ModelKind.Classifier
        ? model as TextClassifier
        : throw new ModelKindException($"'{Name}' is a language model and knows no classes; ask a model of kind Classifier, or generate with this one");

    /// <summary>What a model reads of an article: its title, where it has one, a newline and its text.</summary>
    public static string TextOf(Article article) => article.Title is { Length: > 0 } title ? $"{title}\n{article.Text}" : article.Text;
}
