using System.Collections.Concurrent;
using System.Threading.Channels;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core;

/// <summary>
/// The whole path in one process. Articles are stored, embedded and queued (<see cref="Backlog"/>); labelled documents are scored, then learned from
/// in micro-batches; every document is refined until it has converged or its steps are used up; weights become durable; idle time goes to
/// documents that were refined with older weights.
/// </summary>
/// <remarks>One loop changes documents and weights, so there is nothing to lock; everybody else asks it, or reads values it has published.</remarks>
public sealed class LocalLearner : ILearner
{
    /// <summary>The learning mode: the notebook's recursion, loss and optimiser.</summary>
    public const string Mode = "notebook";

    private static readonly TimeSpan BacklogRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CheckpointRetry = TimeSpan.FromSeconds(2);

    /// <summary>The loop looks around at least so often, though nobody calls it.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(1);

    private readonly RsrNetOptions options;
    private readonly ITextEncoder encoder;
    private readonly IDocumentStore store;
    private readonly ICheckpointStore? checkpoints;
    private readonly TimeProvider time;

    private readonly LearnerTelemetry telemetry;
    private readonly SearchIndex index;
    private readonly DocumentMap map;
    private readonly Readout readout;
    private readonly DocumentWatchers watchers = new();
    private readonly Backlog backlog;
    private readonly BacklogGauge gauge;
    private readonly Coordinator coordinator;
    private readonly Replica replica;
    private readonly Supervision supervision;

    /// <summary>The replicas that learn together; null where there is only the one.</summary>
    private readonly ReplicaGroup? group;
    private readonly TrainingQueue<ActiveDocument> awaitingTraining;
    private readonly List<ActiveDocument> underRefinement = [];
    private readonly UnsavedDocuments unsaved;
    private readonly CheckpointSchedule schedule;
    private readonly Replay<Document> replay = new(document => document.Id);

    /// <summary>Documents in the loop's hands, by id. Written by the loop, read by anybody.</summary>
    private readonly ConcurrentDictionary<string, ActiveDocument> active = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Func<Task>> requests = new();
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource stop = new();

    private readonly SemaphoreSlim turn = new(1, 1);
    private Task? loop;
    private Task labelling = Task.CompletedTask;
    private ActiveDocument? alone;
    private Checkpoint? snapshot;
    private long snapshotMark;
    private long snapshotAt;
    private Task? writingSnapshot;
    private long? checkpointFailedAt;
    private long? lastUpdateAt;
    private long refreshedVersion;
    private long scheduledVersion;

    private LocalLearner(
        RsrNetOptions options, ITextEncoder encoder, IDocumentStore store, ICheckpointStore? checkpoints, Func<IRecursionEngine> newEngine,
        TimeProvider time)
    {
        var engine = newEngine();
        this.options = options;
        this.encoder = encoder;
        this.store = store;
        this.checkpoints = checkpoints;
        this.time = time;
        telemetry = new LearnerTelemetry(time, engine.GetType().Name);
        index = new SearchIndex(encoder.Dimensions);
        map = new DocumentMap(encoder.Dimensions);
        readout = new Readout(encoder);
        backlog = new Backlog(store, encoder, telemetry, Wake);
        gauge = new BacklogGauge(store, time);
        coordinator = new Coordinator(RecursionInitialization.Create(engine.Shape, options.Replicas.Seed), options.Coordination);
        replica = new Replica(engine);
        supervision = new Supervision(engine, coordinator, options.Replicas);
        if (options.Coordination.Replicas > 1) group = new ReplicaGroup(options, newEngine, coordinator, time);
        awaitingTraining = new TrainingQueue<ActiveDocument>(options.Coordination, time);
        unsaved = new UnsavedDocuments(store, telemetry, time);
        schedule = new CheckpointSchedule(options.Weights, time);
    }

    /// <summary>Opens a learner over what the store and the checkpoints hold. It takes articles at once; <see cref="Start"/> sets it learning.</summary>
    /// <param name="engine">Makes the engine for the network's sizes.</param>
    /// <param name="checkpoints">Null keeps weights in memory alone.</param>
    /// <param name="warn">Told what is odd but can be worked with, such as a damaged checkpoint that was passed over.</param>
    /// <exception cref="WeightsRejectedException">The store or the checkpoint was made with another encoder or network.</exception>
    public static async Task<LocalLearner> Open(
        RsrNetOptions options, ITextEncoder encoder, IDocumentStore store, ICheckpointStore? checkpoints,
        Func<RecursionShape, RecursionOptions, IRecursionEngine>? engine = null, TimeProvider? time = null, Action<string>? warn = null,
        CancellationToken cancellation = default)
    {
        var shape = new RecursionShape(encoder.Dimensions, options.Replicas.Hidden, options.Replicas.Latent);
        engine ??= static (shape, recursion) => new CpuEngine(shape, recursion);
        var learner = new LocalLearner(options, encoder, store, checkpoints, () => engine(shape, options.Replicas), time ?? TimeProvider.System);
        try
        {
            await learner.Resume(warn ?? (static _ => { }), cancellation);
            return learner;
        }
        catch
        {
            await learner.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins to learn and refine in the background; until then only <see cref="Learn"/> does, for those who set the pace themselves.</summary>
    public void Start()
    {
        if (loop is not null) throw new InvalidOperationException("the learner has been started already");
        backlog.Start();
        loop = Task.Run(Run);
        labelling = Task.Run(LabelMap);
    }

    // ---- The path, a turn at a time -----------------------------------------------------------------------------------------------------------

    private async Task Run()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await AnswerRequests();
                Persist();
                if (unsaved.MustWait || WeightsMustWait)
                {
                    await Rest();
                    continue;
                }
                TakeIn();
                var worked = LearnIfDue() | RefineStep();
                if (!worked && !await TakeStale()) await Rest();
                telemetry.OnRecovered("learner");
            }
            catch (StoreUnavailableException unavailable)
            {
                telemetry.OnProblem("learner", unavailable.Message);
                await Rest();
            }
        }
        await AnswerRequests();
    }

    /// <summary>From the backlog: labelled documents to the training queue, the others to refinement.</summary>
    private void TakeIn()
    {
        while (awaitingTraining.Count < 2 * options.Coordination.RoundSize && underRefinement.Count < 4 * options.Documents.RefineBatch
            && backlog.TryTake(out var document))
        {
            if (active.TryGetValue(document.Id, out var taken) && taken.Document.Sequence != document.Sequence)
            {
                LetGo(taken);
                taken = null;
            }
            taken ??= Hold(document);
            taken.AwaitsTurn = false;
            if (taken.Document.Status == DocumentStatus.Failed) unsaved.Add(taken);
            else if (taken.Document.Article.HasHighlights && taken.Document.LearnedAt is null) AwaitTraining(taken);
            else Refine(taken);
        }
    }

    private bool LearnIfDue()
    {
        if (group is not null) return LearnTogether(group);
        if (!awaitingTraining.IsDue) return false;
        var batch = TakeBatch(options.Coordination.BatchSize);
        if (batch.Count > 0) LearnFrom(batch);
        return true;
    }

    /// <summary>Test, then train: scores the documents with the weights from before, then does the supervision steps of the batch.</summary>
    private BatchReport LearnFrom(List<ActiveDocument> batch)
    {
        var predictions = Predict(batch.ConvertAll(taken => taken.Document));
        if (alone is { Gone: false }) batch.Insert(0, alone);
        var documents = batch.ConvertAll(taken => taken.Document);
        replay.Join(documents, options.Coordination.MinimumBatch);
        var loss = documents.Count > 1 ? Train(batch, documents) : null;
        // The first labelled document of all has nobody to be trained with: it is refined meanwhile, and joins the next batch.
        alone = documents.Count == 1 ? batch[0] : null;
        foreach (var taken in batch)
        {
            taken.AwaitsTraining = taken == alone;
            OnTrained(taken);
        }
        return BatchReport.Of(batch.Count, loss, predictions, coordinator.Version);
    }

    private void OnTrained(ActiveDocument taken)
    {
        unsaved.Add(taken);
        if (taken.Document.Status == DocumentStatus.Failed) return;
        replay.Add(taken.Document);
        Refine(taken);
    }

    /// <summary>What a reader would have been given of the documents before they were learned from.</summary>
    private Prediction[] Predict(List<Document> documents)
    {
        var (weights, version) = CurrentWeights();
        replica.Load(weights, version);
        replica.Place(documents);
        var predictions = replica.Predict(documents, options.Replicas.SupervisionSteps);
        foreach (var prediction in predictions) telemetry.OnPredicted(prediction.Similarity, prediction.Error);
        return predictions;
    }

    /// <summary>The supervision steps of one batch; each is a new weight version and a step of every document in it.</summary>
    /// <param name="batch">The documents that are learned from.</param>
    /// <param name="documents">The same, and whoever joins them.</param>
    /// <returns>The loss of the last step; null where no gradient could be used.</returns>
    private float? Train(List<ActiveDocument> batch, List<Document> documents)
    {
        float? loss = null;
        var batchStart = time.GetTimestamp();
        var stepStart = batchStart;
        replica.Place(documents);
        foreach (var step in replica.Train(supervision))
        {
            if (!step.Applied)
            {
                telemetry.OnGradientRefused();
                break;
            }
            loss = step.Loss;
            schedule.OnUpdate(step.Version);
            telemetry.OnUpdated(step, documents.Count, stepStart);
            for (var row = 0; row < batch.Count; row++) Record(batch[row], row, trained: true, step.Version);
            stepStart = time.GetTimestamp();
        }
        telemetry.OnWeights(coordinator.Weights);
        if (loss is null) return null;
        lastUpdateAt = time.GetTimestamp();
        foreach (var taken in batch)
        {
            taken.Document = taken.Document with { LearnedAt = coordinator.Version };
            telemetry.OnLearned(taken.Document, batchStart);
        }
        return loss;
    }

    // ---- The same with several replicas -------------------------------------------------------------------------------------------------------

    /// <summary>Takes in what replicas have learned, and gives those that are free new documents; refinement goes on beside them.</summary>
    private bool LearnTogether(ReplicaGroup group)
    {
        MarkLearned(group);
        var ended = group.TakeEnded();
        ended.ForEach(flight => Conclude(flight));
        var begun = false;
        while (group.HasRoom && awaitingTraining.IsDue && (checkpoints is null || schedule.HasRoomFor(group.UpdatesAhead)))
        {
            var batch = TakeBatch(group.Room);
            if (batch.Count == 0) continue;
            Begin(group, batch);
            begun = true;
        }
        return begun || ended.Count > 0;
    }

    private void Begin(ReplicaGroup group, List<ActiveDocument> batch)
    {
        if (alone is { Gone: false, InTraining: false }) batch.Insert(0, alone);
        alone = null;
        if (batch.Count == 1 && replay.GuestsOf([batch[0].Document], 2).Count == 0)
        {
            alone = batch[0];
            alone.AwaitsTraining = true;
            OnTrained(alone);
            return;
        }
        foreach (var taken in batch)
        {
            taken.AwaitsTraining = true;
            taken.InTraining = true;
        }
        group.Begin(batch, documents => replay.GuestsOf(documents, options.Coordination.MinimumBatch), Wake);
    }

    /// <summary>
    /// From its first applied gradient on a document counts as learned from, so that it is durable as such before a checkpoint that knows it: a slow
    /// replica that still works on it holds nobody up.
    /// </summary>
    private void MarkLearned(ReplicaGroup group)
    {
        foreach (var flight in group.Flights)
        {
            if (flight.IsMarked || flight.LearnedAt is not { } version) continue;
            flight.IsMarked = true;
            foreach (var taken in flight.Documents)
            {
                taken.Document = taken.Document with { LearnedAt = version };
                unsaved.Add(taken);
            }
        }
        scheduledVersion = Math.Min(scheduledVersion, coordinator.Version);
        if (scheduledVersion < coordinator.Version) lastUpdateAt = time.GetTimestamp();
        telemetry.OnUpdated(coordinator.Version - scheduledVersion);
        while (scheduledVersion < coordinator.Version) schedule.OnUpdate(++scheduledVersion);
    }

    /// <summary>Takes what came of a flight into the documents.</summary>
    private BatchReport Conclude(TrainingFlight flight)
    {
        var outcome = flight.Outcome.GetAwaiter().GetResult();
        telemetry.OnReplicaTrained($"replica {flight.Seat.Replica}", flight.Documents.Count, options.Replicas.SupervisionSteps, flight.BegunAt);
        foreach (var prediction in outcome.Predictions) telemetry.OnPredicted(prediction.Similarity, prediction.Error);
        foreach (var (taken, trained) in flight.Documents.Zip(outcome.Documents))
        {
            taken.AwaitsTraining = taken.InTraining = false;
            if (taken.Gone) continue;
            if (outcome.Late && flight.LearnedAt is null)
            {
                AwaitTraining(taken);
                continue;
            }
            var steps = trained.Trajectory.Points.Where(point => point.Step > (taken.Document.State?.Step ?? 0));
            taken.Document = trained with { LearnedAt = taken.Document.LearnedAt };
            foreach (var step in steps)
            {
                telemetry.OnStepped(trained, step, trained: true);
                watchers.OnStep(trained.Id, step);
            }
            if (outcome.Loss is not null && trained.State?.Loss is not null) telemetry.OnLearned(taken.Document, flight.BegunAt);
            OnTrained(taken);
        }
        return BatchReport.Of(flight.Documents.Count, outcome.Loss, outcome.Predictions, coordinator.Version);
    }

    // ---- Refinement and durability ------------------------------------------------------------------------------------------------------------

    /// <summary>One supervision step for the documents that have been under refinement longest; those that are done make room for others.</summary>
    private bool RefineStep()
    {
        underRefinement.RemoveAll(taken => taken.Gone);
        List<ActiveDocument> batch = [.. underRefinement.Where(taken => !taken.InTraining).Take(options.Documents.RefineBatch)];
        if (batch.Count == 0) return false;
        var startedAt = time.GetTimestamp();
        var (weights, version) = CurrentWeights();
        replica.Load(weights, version);
        replica.Place(batch.ConvertAll(taken => taken.Document));
        replica.Refine();
        telemetry.OnRefined(batch.Count, startedAt);
        for (var row = 0; row < batch.Count; row++) Record(batch[row], row, trained: false, version);
        underRefinement.RemoveAll(taken =>
        {
            if (!taken.Document.IsFinished || taken.HasRequests) return false;
            taken.UnderRefinement = false;
            telemetry.OnFinished(taken.Document);
            return true;
        });
        foreach (var taken in batch) if (!taken.UnderRefinement) unsaved.Add(taken);
        return true;
    }

    /// <summary>Gives idle time to documents that were refined with older weights.</summary>
    private async Task<bool> TakeStale()
    {
        if (!options.Documents.RefreshWhenIdle || awaitingTraining.Count > 0) return false;
        // While learning goes on weights change many times a second; only documents well behind are worth the work then.
        var learning = lastUpdateAt is { } last && time.GetElapsedTime(last).TotalSeconds < options.Documents.RefreshSettleSeconds;
        var version = coordinator.Version - (learning ? options.Documents.RefreshLag : 0);
        if (version <= refreshedVersion) return false;
        var stale = await store.ReadStale(version, options.Documents.RefineBatch);
        if (stale.Count == 0) refreshedVersion = version;
        var before = underRefinement.Count;
        foreach (var document in stale)
        {
            if (!active.ContainsKey(document.Id)) Refine(Hold(document));
        }
        return underRefinement.Count > before;
    }

    /// <summary>Sets documents and weights on their way to the disk, beside the learning, in an order that a crash cannot turn into a document learned twice.</summary>
    private void Persist()
    {
        unsaved.Settle(OnSaved, LetGo);
        unsaved.WriteIfDue(hurry: snapshot is not null, Wake);
        if (checkpoints is null) return;
        if (writingSnapshot is { IsCompleted: true }) SettleSnapshot();
        var due = schedule.IsDue || (group is not null && !schedule.HasRoomFor(group.UpdatesAhead));
        if (snapshot is null && due && (checkpointFailedAt is not { } failed || time.GetElapsedTime(failed) > CheckpointRetry))
        {
            snapshot = Snapshot();
            snapshotAt = time.GetTimestamp();
            if (group is not null) MarkLearned(group);
            snapshotMark = unsaved.Mark;
            unsaved.WriteIfDue(hurry: true, Wake);
        }
        // Documents go first: one that is durable with a version above the checkpoint's is learned anew after a crash, so each counts exactly once.
        if (snapshot is { } ready && writingSnapshot is null && unsaved.IsDurable(snapshotMark))
        {
            writingSnapshot = Task.Run(() => checkpoints.Save(ready));
            writingSnapshot.ContinueWith(_ => Wake(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private void SettleSnapshot()
    {
        var (ended, written) = (writingSnapshot!, snapshot!);
        (writingSnapshot, snapshot) = (null, null);
        if (ended.IsCompletedSuccessfully)
        {
            schedule.OnSaved(written.Version);
            telemetry.OnCheckpointed(time.GetElapsedTime(snapshotAt));
            telemetry.OnRecovered("checkpoint");
            checkpointFailedAt = null;
        }
        else
        {
            telemetry.OnProblem("checkpoint", $"weights could not be saved; learning waits: {ended.Exception?.InnerException?.Message}");
            checkpointFailedAt = time.GetTimestamp();
        }
    }

    private bool WeightsMustWait => checkpoints is not null && schedule.IsAtBound;

    private async Task Rest()
    {
        var wait = LongestRest;
        var training = group is { HasRoom: false } ? null : awaitingTraining.DueIn; // a replica that gets free calls
        foreach (var due in (ReadOnlySpan<TimeSpan?>)[training, unsaved.DueIn, checkpoints is null ? null : schedule.DueIn])
        {
            if (due < wait) wait = due.Value;
        }
        if (wait < ShortestRest) wait = ShortestRest;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        timeout.CancelAfter(wait);
        try
        {
            await wake.Reader.ReadAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            // Nobody called; something is due by itself, or the learner closes.
        }
    }

    // ---- Documents in the loop's hands --------------------------------------------------------------------------------------------------------

    private ActiveDocument Hold(Document document) => active[document.Id] = new ActiveDocument(document);

    private void AwaitTraining(ActiveDocument taken)
    {
        taken.AwaitsTraining = true;
        awaitingTraining.Add(taken);
    }

    /// <summary>The next training batch without those that have gone; may be empty.</summary>
    private List<ActiveDocument> TakeBatch(int most)
    {
        var batch = new List<ActiveDocument>(most);
        while (batch.Count < most && awaitingTraining.TryTake(out var next))
        {
            next.AwaitsTraining = false;
            if (!next.Gone) batch.Add(next);
        }
        return batch;
    }

    private void Refine(ActiveDocument taken)
    {
        taken.Document = taken.Document.NewRun();
        if (taken.UnderRefinement) return;
        taken.UnderRefinement = true;
        // Somebody waits for it: it goes first.
        if (taken.HasRequests) underRefinement.Insert(0, taken);
        else underRefinement.Add(taken);
    }

    private void Record(ActiveDocument taken, int row, bool trained, long version)
    {
        var before = taken.Document;
        var stepped = replica.Stepped(before, row, trained, version, time.GetUtcNow(), options.Documents);
        taken.Step(stepped);
        if (ReferenceEquals(stepped.State, before.State)) return;
        telemetry.OnStepped(stepped, stepped.Trajectory.Points[^1], trained);
        watchers.OnStep(stepped.Id, stepped.Trajectory.Points[^1]);
    }

    /// <summary>The store has the document as it is: if nothing more is to be done, its memory is free.</summary>
    private void OnSaved(ActiveDocument taken)
    {
        var document = taken.Document;
        if (!taken.Gone && document.Embedding is { } embedding)
            index.Put(document.Id, document.Article.Headline, SearchVector.Of(embedding.X, document.State?.Y));
        if (!taken.Gone) map.Put(document);
        if (!taken.AwaitsTraining && !taken.AwaitsTurn && !taken.UnderRefinement) active.TryRemove(KeyValuePair.Create(document.Id, taken));
    }

    /// <summary>The document was deleted, or has a newer revision.</summary>
    private void LetGo(ActiveDocument taken)
    {
        taken.Leave();
        replay.Remove(taken.Document.Id);
        active.TryRemove(KeyValuePair.Create(taken.Document.Id, taken));
    }

    // ---- What others ask for ------------------------------------------------------------------------------------------------------------------

    public async Task<IReadOnlyList<PutOutcome>> Ingest(IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        var waiting = await gauge.Waiting(cancellation);
        if (waiting >= options.Articles.Backlog) throw new BacklogFullException(waiting, BacklogRetry);
        var startedAt = time.GetTimestamp();
        var outcomes = await store.Put(articles, cancellation);
        gauge.OnArrived(outcomes.Count(outcome => !outcome.Duplicate));
        telemetry.OnIngested(outcomes, startedAt);
        backlog.OnArrival();
        return outcomes;
    }

    public async Task<Document?> Find(string id, CancellationToken cancellation = default)
    {
        // The store knows which revision is the newest; the loop knows how far it has come.
        var stored = await store.Find(id, cancellation);
        return stored is not null && active.TryGetValue(id, out var taken) && taken.Document.Sequence == stored.Sequence ? taken.Document : stored;
    }

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default) => store.List(query, cancellation);

    public IAsyncEnumerable<TrajectoryPoint> Watch(string id, CancellationToken cancellation = default) => watchers.Watch(id, cancellation);

    public IReadOnlyList<SummarySentence> Summarize(Document document) => readout.Of(document);

    public async Task<Document?> Refine(string id, RefineRequest request, CancellationToken cancellation = default)
    {
        var steps = request.Steps ?? (request.UntilResidual is null ? 1 : options.Documents.MaxSteps);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1, "steps");
        var run = new RefineRun(steps, request.UntilResidual);
        await Ask(async () =>
        {
            if (await store.Find(id, cancellation) is not { } stored)
            {
                run.Completion.TrySetResult(null);
                return;
            }
            if (!active.TryGetValue(id, out var taken) || taken.Document.Sequence != stored.Sequence)
            {
                taken = Hold(stored with { Embedding = stored.Embedding ?? encoder.Embed(stored.Article) });
                taken.AwaitsTurn = loop is not null && !stored.IsFinished;
            }
            taken.Add(run);
            Refine(taken);
            while (loop is null && !run.Completion.Task.IsCompleted) RefineStep();
        });
        return await run.Completion.Task.WaitAsync(cancellation);
    }

    public async Task<bool> Delete(string id, CancellationToken cancellation = default)
    {
        var deleted = await store.Delete(id, cancellation);
        await Ask(() =>
        {
            if (active.TryGetValue(id, out var taken)) LetGo(taken);
            replay.Remove(id);
            index.Remove(id);
            map.Remove(id);
            watchers.OnDeleted(id);
            return Task.CompletedTask;
        });
        return deleted;
    }

    public async Task<IReadOnlyList<SearchHit>?> Search(SearchQuery query, CancellationToken cancellation = default)
    {
        if (query.Id is null) return index.Search(SearchVector.Of(Encoded(query.Text ?? ""), default), query.K);
        if (await Find(query.Id, cancellation) is not { } document) return null;
        var embedding = document.Embedding ?? encoder.Embed(document.Article);
        return index.Search(SearchVector.Of(embedding.X, document.State?.Y), query.K, except: query.Id);
    }

    public Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default) => Ask(async () =>
    {
        var kept = checkpoints is null ? [] : await checkpoints.List(cancellation);
        var current = kept.FirstOrDefault(summary => summary.Version == coordinator.Version)
            ?? new WeightSummary(coordinator.Version, time.GetUtcNow(), coordinator.Loss, encoder.Id, Mode, 0, true);
        return (IReadOnlyList<WeightSummary>)[current with { Current = true }, .. kept.Where(summary => summary.Version != current.Version)];
    });

    public Task<Checkpoint?> FindWeights(long? version, CancellationToken cancellation = default) => Ask(async () =>
        version is null || version == coordinator.Version ? Snapshot()
        : checkpoints is null ? null
        : await checkpoints.Find(version.Value, cancellation));

    public Task<long> ImportWeights(Checkpoint weights, CancellationToken cancellation = default) => Ask(async () =>
    {
        CheckEncoder(weights);
        var before = Snapshot();
        var version = group is null ? coordinator.Adopt(weights) : group.Exchange.Adopt(weights);
        scheduledVersion = version;
        try
        {
            await SaveCheckpoint();
        }
        catch
        {
            if (group is null) coordinator.Restore(before);
            else group.Exchange.Restore(before);
            scheduledVersion = before.Version;
            throw;
        }
        return version;
    });

    public async Task<long?> RestoreWeights(long version, CancellationToken cancellation = default) =>
        await FindWeights(version, cancellation) is { } kept ? await ImportWeights(kept, cancellation) : null;

    public Task<WeightSummary> SaveWeights(CancellationToken cancellation = default) => Ask(SaveCheckpoint);

    public async Task<TelemetrySnapshot> ReadTelemetry(CancellationToken cancellation = default)
    {
        var snapshot = telemetry.Read(
            await gauge.Read(cancellation), coordinator.Version, schedule.DurableVersion, encoder.Id, Mode, schedule.UnsavedAge);
        return group is null
            ? snapshot
            : snapshot with { RefusedGradients = group.Exchange.RefusedGradients, StaleGradients = group.Exchange.StaleContributions };
    }

    public Task<DocumentMapView> ReadMap(long since = 0, CancellationToken cancellation = default) => Task.Run(() => map.Read(since), cancellation);

    public Task<DocumentRanking> Rank(DocumentOrder order, CancellationToken cancellation = default) => Task.Run(() => map.Rank(order), cancellation);

    public async Task<double?> MeasureContraction(string id, CancellationToken cancellation = default)
    {
        if (await Find(id, cancellation) is not { State: not null, Embedding: not null } document) return null;
        return await Ask<double?>(() =>
        {
            var (weights, version) = CurrentWeights();
            replica.Load(weights, version);
            return Task.FromResult<double?>(replica.SpectralRadius(document));
        });
    }

    public async Task<MapComparison> CompareWithUntrained(IReadOnlyList<string> ids, CancellationToken cancellation = default)
    {
        var documents = new List<Document>(ids.Count);
        foreach (var id in ids.Take(2000))
        {
            if (await Find(id, cancellation) is { Embedding: not null } document) documents.Add(document with { State = null });
        }
        var untrained = RecursionInitialization.Create(coordinator.Weights.Shape, options.Replicas.Seed);
        // A chunk at a time, so that learning waits for none of them long.
        List<MapVector> before = [], after = [];
        foreach (var chunk in documents.Chunk(options.Documents.RefineBatch))
        {
            before.AddRange(await Ask(() => Task.FromResult(replica.Outcomes(chunk, untrained, options.Replicas.SupervisionSteps))));
            after.AddRange(await Ask(() => Task.FromResult(replica.Outcomes(chunk, CurrentWeights().Weights, options.Replicas.SupervisionSteps))));
        }
        return new MapComparison(MapVector.Place(before), MapVector.Place(after));
    }

    /// <summary>Learns from stored documents as one batch, now: the notebook's loop, for those who do not <see cref="Start"/> the learner.</summary>
    /// <param name="ids">Labelled documents; a small batch is joined by the latest ones learned before it.</param>
    /// <exception cref="ArgumentException">There is no such document, or it has no highlights.</exception>
    public Task<BatchReport> Learn(IReadOnlyList<string> ids, CancellationToken cancellation = default) => Ask(async () =>
    {
        if (loop is not null) throw new InvalidOperationException("a started learner forms its batches itself");
        var batch = new List<ActiveDocument>(ids.Count);
        foreach (var id in ids)
        {
            var document = await store.Find(id, cancellation) ?? throw new ArgumentException($"there is no document '{id}' to learn from");
            if (!document.Article.HasHighlights) throw new ArgumentException($"document '{id}' has no highlights to learn from");
            batch.Add(Hold(document.Embedding is null ? document with { Embedding = encoder.Embed(document.Article) } : document));
        }
        var report = group is null ? LearnFrom(batch) : await LearnNow(group, batch);
        foreach (var taken in batch) taken.UnderRefinement = false;
        underRefinement.Clear();
        if (!await unsaved.Flush(OnSaved, LetGo)) throw new StoreUnavailableException("the learned documents could not be saved");
        return report;
    });

    private async Task<BatchReport> LearnNow(ReplicaGroup group, List<ActiveDocument> batch)
    {
        List<BatchReport> reports = [];
        // Local steps are the one mode in which batches have a size of their own.
        var most = options.Coordination.Mode == CoordinationMode.LocalSteps ? group.Room : batch.Count;
        for (var from = 0; from < batch.Count; from += most)
        {
            Begin(group, batch.GetRange(from, Math.Min(most, batch.Count - from)));
            await group.Rest();
            MarkLearned(group);
            reports.AddRange(group.TakeEnded().ConvertAll(Conclude));
        }
        return reports.Count > 0 ? BatchReport.Join(reports)
            : BatchReport.Of(batch.Count, null, Predict(batch.ConvertAll(taken => taken.Document)), coordinator.Version);
    }

    /// <summary>Finishes the step under way, then makes everything durable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (stop.IsCancellationRequested) return;
        await stop.CancelAsync();
        await backlog.DisposeAsync();
        if (loop is not null) await loop;
        await labelling;
        if (group is not null) await EndTraining(group);
        watchers.Complete();
        if (writingSnapshot is not null) await Task.WhenAny(writingSnapshot);
        var flushed = await unsaved.Flush(OnSaved, LetGo);
        if (checkpoints is not null && flushed && coordinator.Version > schedule.DurableVersion) await checkpoints.Save(Snapshot());
        foreach (var taken in active.Values) taken.Fail(new ObjectDisposedException(nameof(LocalLearner), "the server is shutting down"));
        replica.Dispose();
        group?.Dispose();
        gauge.Dispose();
        index.Dispose();
        turn.Dispose();
        stop.Dispose();
    }

    // ---- Small print --------------------------------------------------------------------------------------------------------------------------

    private async Task Resume(Action<string> warn, CancellationToken cancellation)
    {
        if (await Reembedding.UnfinishedGoal(store, cancellation) is { } goal)
            throw new WeightsRejectedException(
                $"the documents in this store are being embedded anew by '{goal}', and that was cut off; run `rsrnet documents reembed` to its end");
        if (await store.ReadSetting(Reembedding.EncoderSetting, cancellation) is { } known)
        {
            if (known != encoder.Id)
                throw new WeightsRejectedException(
                    $"the documents in this store were embedded by '{known}', and vectors of '{encoder.Id}' cannot be mixed with them; "
                    + $"use the encoder '{known}', or another data folder, or change the documents over with `rsrnet documents reembed`");
        }
        else await store.WriteSetting(Reembedding.EncoderSetting, encoder.Id, cancellation);

        if (checkpoints is not null && await checkpoints.LoadNewest(warn, cancellation) is { } checkpoint)
        {
            CheckEncoder(checkpoint);
            if (group is null) coordinator.Restore(checkpoint);
            else group.Exchange.Restore(checkpoint);
        }
        scheduledVersion = coordinator.Version;
        schedule.OnSaved(coordinator.Version);
        var again = await store.Unlearn(coordinator.Version, cancellation);
        if (again > 0) warn($"{again:N0} documents were learned after the newest checkpoint (version {coordinator.Version}) and will be learned anew");
        foreach (var document in (await store.ReadLearned(Replay<Document>.Limit, cancellation)).Reverse()) replay.Add(document);
        var latest = new Queue<(string Id, float[] Y)>();
        await foreach (var document in store.ReadIndex(cancellation))
        {
            index.Put(document.Id, document.Title, SearchVector.Of(document.X, document.Y));
            if (document.Y is { } y) latest.Enqueue((document.Id, y));
            if (latest.Count > DocumentMap.DefaultCapacity) latest.Dequeue();
        }
        await FillMap(latest.ToDictionary(document => document.Id, document => document.Y), cancellation);
    }

    /// <summary>Positions and figures; the labels, which are in the articles themselves, follow once the learner runs.</summary>
    private async Task FillMap(Dictionary<string, float[]> vectors, CancellationToken cancellation)
    {
        string? cursor = null;
        do
        {
            var page = await store.List(new DocumentQuery(Limit: 1000, Cursor: cursor), cancellation);
            foreach (var item in page.Items) map.Put(item, null, vectors.GetValueOrDefault(item.Id));
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    private async Task LabelMap()
    {
        try
        {
            foreach (var id in map.Unlabelled())
            {
                if (await store.Find(id, stop.Token) is { } document) map.Label(id, document.Article.Labels);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or StoreUnavailableException)
        {
            // The learner closes, or the store is away: points stay grey until their documents change.
        }
    }

    private void CheckEncoder(Checkpoint checkpoint)
    {
        if (checkpoint.EncoderId is { } id && id != encoder.Id)
            throw new WeightsRejectedException($"the weights were trained on vectors of the encoder '{id}'; this server uses '{encoder.Id}'");
    }

    private float[] Encoded(string text)
    {
        var vector = new float[encoder.Dimensions];
        encoder.Encode([text], vector);
        return vector;
    }

    private Checkpoint Snapshot() => group is null
        ? coordinator.Snapshot(encoder.Id, Mode, time.GetUtcNow())
        : group.Exchange.Snapshot(encoder.Id, Mode, time.GetUtcNow());

    private (RecursionWeights Weights, long Version) CurrentWeights()
    {
        if (group is null) return (coordinator.Weights, coordinator.Version);
        var current = group.Exchange.Current;
        return (current.Weights, current.Version);
    }

    private async Task EndTraining(ReplicaGroup group)
    {
        await group.Rest();
        MarkLearned(group);
        foreach (var flight in group.TakeEnded())
        {
            if (flight.Outcome.IsCompletedSuccessfully) Conclude(flight);
        }
    }

    private async Task<WeightSummary> SaveCheckpoint()
    {
        if (checkpoints is null) throw new InvalidOperationException("this learner keeps its weights in memory alone");
        if (writingSnapshot is not null)
        {
            await Task.WhenAny(writingSnapshot);
            SettleSnapshot();
        }
        snapshot = null;
        var current = Snapshot();
        if (group is not null) MarkLearned(group);
        if (!await unsaved.Flush(OnSaved, LetGo)) throw new StoreUnavailableException("documents could not be saved, so the weights were not either");
        var saved = await checkpoints.Save(current);
        schedule.OnSaved(saved.Version);
        return saved with { Current = true };
    }

    private void Wake() => wake.Writer.TryWrite(true);

    private Task<bool> Ask(Func<Task> work) => Ask(async () =>
    {
        await work();
        return true;
    });

    /// <summary>Has the loop do something between two turns; where no loop runs, does it here.</summary>
    private async Task<T> Ask<T>(Func<Task<T>> work)
    {
        ObjectDisposedException.ThrowIf(stop.IsCancellationRequested, this);
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        requests.Enqueue(async () =>
        {
            try
            {
                answer.SetResult(await work());
            }
#pragma warning disable CA1031 // whatever went wrong is the asker's to know, not the loop's
            catch (Exception exception)
            {
                answer.SetException(exception);
            }
#pragma warning restore CA1031
        });
        if (loop is null)
        {
            await turn.WaitAsync();
            try
            {
                await AnswerRequests();
            }
            finally
            {
                turn.Release();
            }
        }
        else Wake();
        return await answer.Task;
    }

    private async Task AnswerRequests()
    {
        while (requests.TryDequeue(out var request)) await request();
    }
}
