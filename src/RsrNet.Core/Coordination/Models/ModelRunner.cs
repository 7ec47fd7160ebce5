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
public sealed class ModelRunner : IAsyncDisposable
{
    /// <summary>Articles from which byte pairs are learned.</summary>
    private const int VocabularySample = 200;

    private const int MapChunk = 32;

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    private readonly IDocumentStore store;
    private readonly ModelCheckpointFolder checkpoints;
    private readonly TimeProvider time;
    private readonly ReadSentencePiece? readSentencePiece;
    private readonly EngineOffer engine;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim arrival = new(0);

    /// <summary>Held while the model is used: by the loop for a batch, by requests for an answer.</summary>
    private readonly Lock gate = new();
    private TextModel? model;
    private ModelScores scores = new();
    private LearnedArticles learned = new([]);
    private float? loss;
    private StoredStream stream;
    private long version, durableVersion, position, durablePosition, unsavedArticles;
    private long savedAt;
    private string? problem;
    private Task loop = Task.CompletedTask;

    /// <param name="options">Already checked. Those of a checkpoint count where there is one.</param>
    /// <param name="warn">Told what is odd but can be worked with.</param>
    /// <param name="engine">What computes: one that runs text models.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    internal ModelRunner(
        string name, ModelOptions options, IDocumentStore store, string folder, TimeProvider time, Action<string> warn, ReadSentencePiece? readSentencePiece,
        EngineOffer engine)
    {
        (Name, this.store, this.time, this.readSentencePiece, this.engine) = (name, store, time, readSentencePiece, engine);
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
                Name, Options, engine.Name, version, durableVersion, position, model?.ParameterCount ?? 0, model?.Vocabulary.Count ?? 0,
                Classes, scores.Read(), model?.RefusedGradients ?? 0, problem);
        }
    }

    private IReadOnlyList<string> Classes => model is TextClassifier classifier ? [.. classifier.Classes] : [];

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
                Options with { Replicas = 1 }, classifier.Vocabulary, classifier.Classes, RecurrentNetwork.Create(classifier.Shape, Options.Seed), open: engine.OpenText);
            return before.Embed(texts);
        }
    }

    /// <summary>Where a classifier puts articles on a plane, by a network that has learned nothing and by the one of now. Empty before there is one.</summary>
    /// <exception cref="ModelKindException">It is no classifier.</exception>
    public MapComparison CompareWithUntrained(IReadOnlyList<Article> articles)
    {
        return new MapComparison(Places(untrained: true), Places(untrained: false));

        IReadOnlyList<MapPosition> Places(bool untrained)
        {
            var vectors = new List<MapVector>(articles.Count);
            // A chunk at a time, so that learning waits for none of them long.
            foreach (var chunk in articles.Chunk(MapChunk))
                vectors.AddRange(chunk.Zip(Embed([.. chunk.Select(TextOf)], untrained), (article, vector) => new MapVector(article.Id, vector)));
            return MapVector.Place(vectors);
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

    /// <summary>The versions that can be had: the current one and the kept checkpoints; newest first.</summary>
    public IReadOnlyList<WeightSummary> ListWeights()
    {
        lock (gate)
        {
            var kept = checkpoints.List();
            var current = kept.FirstOrDefault(summary => summary.Version == version)
                ?? new WeightSummary(version, time.GetUtcNow(), loss, null, ModelCheckpoint.ModeOf(Options.Kind), 0, Current: true);
            return [current with { Current = true }, .. kept.Where(summary => summary.Version != version)];
        }
    }

    /// <summary>
    /// A version as a safetensors file (<see cref="ModelStateDict"/>) with its number; null version for the current one; null where it is not kept, or the model has no
    /// network yet.
    /// </summary>
    /// <exception cref="InvalidDataException">The kept file is damaged.</exception>
    public (long Version, byte[] File)? FindWeights(long? wanted)
    {
        using var file = new MemoryStream();
        lock (gate)
        {
            if (wanted is null || wanted == version)
            {
                if (model is null) return null;
                ModelStateDict.Write(file, model.Network, new ModelSource(Options, model.Vocabulary.Content, Classes));
                return (version, file.ToArray());
            }
        }
        if (checkpoints.Find(wanted.Value) is not { } kept) return null;
        ModelStateDict.Write(file, kept.Network, new ModelSource(kept.Options, kept.Vocabulary, kept.Classes));
        return (wanted.Value, file.ToArray());
    }

    /// <summary>
    /// Goes on from the weights of a file, as the next version and durably; the optimiser starts anew. Vocabulary and classes come with it; those of a bare state_dict are
    /// the model's own. Its place in the stream and its figures stay as they are.
    /// </summary>
    /// <param name="file">Seekable; closed afterwards.</param>
    /// <returns>The new version.</returns>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="WeightsRejectedException">It does not fit this model; nothing changed.</exception>
    /// <exception cref="IOException">It could not be made durable; nothing changed.</exception>
    public long ImportWeights(Stream file)
    {
        var (network, source) = ModelStateDict.Read(file, Options);
        lock (gate)
        {
            if (source is not null) return Adopt(network, NewVocabulary([], source.Vocabulary), source.Classes, null, null);
            if (model is null || network.Shape.Vocabulary != model.Shape.Vocabulary || network.Shape.Outputs != model.Shape.Outputs)
            {
                throw new WeightsRejectedException(
                    $"the file does not say which words and classes its {network.Shape.Vocabulary} rows and {network.Shape.Outputs} outputs stand for, and the model has "
                    + $"{model?.Shape.Vocabulary ?? 0} and {model?.Shape.Outputs ?? 0}: bring the metadata of the file that was downloaded");
            }
            return Adopt(network, NewVocabulary([], model.Vocabulary.Content), Classes, null, null);
        }
    }

    /// <summary>Makes a kept version the current one again, under a new number, with its vocabulary, classes and optimiser; place and figures stay.</summary>
    /// <returns>The new version; null where that one is not kept.</returns>
    /// <exception cref="InvalidDataException">The kept file is damaged.</exception>
    /// <exception cref="IOException">It could not be made durable; nothing changed.</exception>
    public long? RestoreWeights(long wanted)
    {
        lock (gate)
        {
            if (wanted == version) Save();
            return checkpoints.Find(wanted) is { } kept
                ? Adopt(kept.Network, NewVocabulary([], kept.Vocabulary), kept.Classes, kept.Optimizer, kept.Loss)
                : null;
        }
    }

    /// <summary>Makes what was learned durable now.</summary>
    /// <returns>The newest version that is.</returns>
    /// <exception cref="IOException">It could not be written.</exception>
    public WeightSummary Save()
    {
        lock (gate)
        {
            if (model is not null && (HasUnsaved || checkpoints.IsEmpty)) Save(model, version, loss);
            return ListWeights()[0];
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (stop.IsCancellationRequested) return;
        await stop.CancelAsync();
        await loop;
        try
        {
            if (HasUnsaved) Save();
        }
        catch (Exception problem) when (problem is IOException or WeightsRejectedException)
        {
            // The newest checkpoint counts at the next start; what was learned since is learned again.
        }
        model?.Dispose();
        arrival.Dispose();
        stop.Dispose();
    }

    private bool HasUnsaved => position != durablePosition || version != durableVersion;

    /// <remarks>Call under the lock.</remarks>
    private long Adopt(RecurrentNetwork network, IVocabulary vocabulary, IReadOnlyList<string> classes, AdamState? optimizer, float? itsLoss)
    {
        if (vocabulary.Count > network.Shape.Vocabulary)
            throw new WeightsRejectedException($"the vocabulary has {vocabulary.Count} tokens, and the network rows for {network.Shape.Vocabulary}");
        var adopted = Create(vocabulary, network, classes, optimizer);
        var next = version + 1;
        try
        {
            // Durable first: what cannot be written is not used.
            Save(adopted, next, itsLoss);
        }
        catch
        {
            adopted.Dispose();
            throw;
        }
        model?.Dispose();
        (model, version, loss) = (adopted, next, itsLoss);
        return next;
    }

    /// <remarks>Call under the lock.</remarks>
    private void Save(TextModel one, long its, float? itsLoss)
    {
        var started = time.GetTimestamp();
        checkpoints.Save(new ModelCheckpoint(
            its, position, Options, one.Vocabulary.Content, one is TextClassifier classifier ? [.. classifier.Classes] : [], one.Network, one.Optimizer, scores.Read(),
            learned.Read(), time.GetUtcNow(), itsLoss));
        (durableVersion, durablePosition, unsavedArticles) = (its, position, 0);
        savedAt = time.GetTimestamp();
        ModelInstruments.OnCheckpointed(Name, its, time.GetElapsedTime(started, savedAt));
    }

    private async Task Run()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (model is null && await Begin() is { } begun) Begin(begun);
                var batch = model is null ? [] : await Gather();
                if (batch.Count > 0) Learn(batch);
                else await Rest(TimeSpan.FromSeconds(1));
                if (HasUnsaved && (unsavedArticles >= Options.CheckpointArticles || time.GetElapsedTime(savedAt).TotalSeconds >= Options.CheckpointSeconds)) Save();
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
        if (Options.Vocabulary != VocabularyKind.BytePairs || Options.VocabularyFile.Length > 0) return Create(NewVocabulary([]));
        var sample = await new StoredStream(store, 0).Read(VocabularySample, stop.Token);
        return sample.Count < VocabularySample ? null : Create(NewVocabulary([.. sample.Select(document => TextOf(document.Article))]));
    }

    /// <summary>Weights may have been imported meanwhile; those count.</summary>
    private void Begin(TextModel begun)
    {
        lock (gate)
        {
            if (model is null) model = begun;
            else begun.Dispose();
        }
    }

    /// <summary>The next batch: full, or as long as its first article may wait. Articles that teach this model nothing are passed over.</summary>
    private async Task<List<Document>> Gather()
    {
        var batch = new List<Document>();
        var began = time.GetTimestamp();
        while (batch.Count < Options.BatchSize)
        {
            var next = await stream.Read(Options.BatchSize - batch.Count, stop.Token);
            batch.AddRange(next.Where(Teaches));
            if (next.Count > 0) continue;
            var wait = TimeSpan.FromMilliseconds(Options.BatchWaitMs) - time.GetElapsedTime(began);
            if (batch.Count == 0 || wait <= TimeSpan.Zero) break;
            await Rest(wait);
        }
        if (batch.Count == 0) lock (gate) position = stream.Position;
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

    private void Learn(List<Document> batch)
    {
        var started = time.GetTimestamp();
        lock (gate)
        {
            // One that came by twice while the batch was gathered is in it twice.
            batch.RemoveAll(document => !learned.Add(document.Id, TextOf(document.Article), LabelOf(document.Article)));
            if (model is null || batch.Count == 0) return;
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
            MaxTokens = Options.MaxTokens, CheckpointArticles = Options.CheckpointArticles, CheckpointSeconds = Options.CheckpointSeconds, Keep = Options.Keep, Replicas = Options.Replicas,
            Engine = Options.Engine,
        };
        model = Create(NewVocabulary([], checkpoint.Vocabulary), checkpoint.Network, checkpoint.Classes, checkpoint.Optimizer);
        scores = ModelScores.From(checkpoint.Scores);
        learned = new LearnedArticles(checkpoint.Learned);
        loss = checkpoint.Loss;
        (version, durableVersion) = (checkpoint.Version, checkpoint.Version);
        (position, durablePosition) = (checkpoint.Position, checkpoint.Position);
    }

    private TextModel Create(
        IVocabulary vocabulary, RecurrentNetwork? network = null, IReadOnlyList<string>? classes = null, AdamState? optimizer = null) =>
        Options.Kind == ModelKind.Classifier
            ? new TextClassifier(Options, vocabulary, classes, network, optimizer, engine.OpenText)
            : new LanguageModel(Options, vocabulary, network, optimizer, engine.OpenText);

    private IVocabulary NewVocabulary(IReadOnlyList<string> texts, VocabularyContent? content = null) => Options.Vocabulary switch
    {
        VocabularyKind.Words => new WordVocabulary(Options.MinimumCount, Options.VocabularyLimit, content),
        VocabularyKind.Characters => new CharacterVocabulary(Options.MinimumCount, Options.VocabularyLimit, content),
        VocabularyKind.SentencePiece => Read(readSentencePiece, content is null ? File.ReadAllBytes(Options.VocabularyFile) : ModelOf(content)),
        _ when content is null && Options.VocabularyFile.Length > 0 => BytePairVocabulary.Read(Options.VocabularyFile),
        _ => content is null ? BytePairVocabulary.Train(texts, Math.Min(Options.VocabularyLimit, 4_000)) : new BytePairVocabulary(content.Tokens),
    };

    /// <exception cref="InvalidDataException">It is no SentencePiece model.</exception>
    /// <exception cref="IOException">This edition reads none.</exception>
    internal static IVocabulary Read(ReadSentencePiece? read, byte[] model) =>
        read?.Invoke(model) ?? throw new IOException("a vocabulary of SentencePiece can be read by the full edition alone (./rsrnet --edition full)");

    private static byte[] ModelOf(VocabularyContent content)
    {
        try
        {
            return Convert.FromBase64String(content.Tokens is [var model] ? model : "?");
        }
        catch (FormatException problem)
        {
            throw new InvalidDataException("the vocabulary is no SentencePiece model in base64", problem);
        }
    }

    private LanguageModel Copy(LanguageModel current)
    {
        var network = new RecurrentNetwork(current.Shape);
        current.Network.Parameters.Values.CopyTo(network.Parameters.Values, 0);
        network.Parameters.OnChanged();
        // Only what grows needs a copy.
        var vocabulary = Options.Vocabulary == VocabularyKind.SentencePiece ? current.Vocabulary : NewVocabulary([], current.Vocabulary.Content);
        return new LanguageModel(Options with { Replicas = 1 }, vocabulary, network, open: engine.OpenText);
    }

    /// <exception cref="ModelKindException">It is no classifier.</exception>
    private TextClassifier? Classifier() => Options.Kind == ModelKind.Classifier
        ? model as TextClassifier
        : throw new ModelKindException($"'{Name}' is a language model and knows no classes; ask a model of kind Classifier, or generate with this one");

    /// <summary>What a model reads of an article: its title, where it has one, a newline and its text.</summary>
    public static string TextOf(Article article) => article.Title is { Length: > 0 } title ? $"{title}\n{article.Text}" : article.Text;
}
