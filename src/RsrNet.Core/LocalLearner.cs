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
/// <remarks>
/// One loop changes documents and weights, so there is nothing to lock; everybody else asks it (<see cref="LearnerTurns"/>), or reads values it has published.
/// </remarks>
public sealed class LocalLearner : ILearner
{
    private static readonly TimeSpan BacklogRetry = TimeSpan.FromSeconds(5);

    private readonly RsrNetOptions options;
    private readonly ITextEncoder encoder;
    private readonly IDocumentStore store;
    private readonly ICheckpointStore? checkpoints;
    private readonly TimeProvider time;
    private readonly int stepsInTurn;

    private readonly LearnerTelemetry telemetry;
    private readonly LearnerTurns turns = new();
    private readonly Readout readout;
    private readonly SentenceReadout learnedReadout;
    private readonly ArticleReader reader;
    private readonly Backlog backlog;
    private readonly BacklogGauge gauge;
    private readonly Replica replica;
    private readonly LearnerWeights weights;
    private readonly ActiveDocuments documents;
    private readonly RefinementLoop refinement;
    private readonly LabelledDocuments labelled;
    private readonly DriftReaction drift;
    private readonly ShadowModel? shadow;
    private readonly ITrainingLoop training;
    private readonly CheckpointSchedule schedule;
    private readonly CheckpointLoop persistence;

    /// <summary>Null where there is only one replica.</summary>
    private readonly GradientExchange? exchange;
    private Task labelling = Task.CompletedTask;

    private LocalLearner(
        RsrNetOptions options, ITextEncoder encoder, IDocumentStore store, ICheckpointStore? checkpoints, Func<IRecursionEngine> newEngine,
        TimeProvider time)
    {
        var isResidual = options.Learning == LearningMode.Residual;
        var engine = newEngine();
        this.options = options;
        this.encoder = encoder;
        this.store = store;
        this.checkpoints = checkpoints;
        this.time = time;
        stepsInTurn = isResidual ? 4 : 1;
        telemetry = new LearnerTelemetry(time, engine.Name);
        readout = new Readout(encoder);
        learnedReadout = options.Residual.NewReadout();
        reader = new ArticleReader(encoder, isResidual);
        backlog = new Backlog(store, reader, telemetry, turns.Wake);
        gauge = new BacklogGauge(store, time);
        replica = new Replica(engine);
        schedule = new CheckpointSchedule(options.Weights, time);
        documents = new ActiveDocuments(encoder.Dimensions, options.Documents, store, telemetry, time);
        var coordinator = new Coordinator(
            RecursionInitialization.Create(engine.Shape, options.Recursion.Seed), options.Coordination, isResidual ? options.Residual : null);
        var group = options.Coordination.Replicas > 1 ? new ReplicaGroup(options, newEngine, coordinator, time) : null;
        exchange = group?.Exchange;
        weights = new LearnerWeights(coordinator, exchange, encoder.Id, Mode, time);
        refinement = new RefinementLoop(options.Documents, store, documents, reader, replica, weights, telemetry, time);
        labelled = new LabelledDocuments(
            documents, refinement, options.Coordination,
            isResidual ? new Reservoir<ReservedDocument>(options.Residual.ReservoirSize, options.Recursion.Seed) : null, time);
        drift = new DriftReaction(encoder.Dimensions, options.Drift, isResidual ? Forget : null, telemetry, time);
        if (isResidual && options.Shadow.Enabled) shadow = new ShadowModel(encoder.Dimensions, options.Shadow, options.Coordination);
        training = group is not null
            ? new SharedTrainingLoop(
                options, labelled, documents, reader, drift, group, replica, weights, schedule, shadow, telemetry, time, turns.Wake)
            : isResidual
            ? new ResidualTrainingLoop(
                options, labelled, documents, reader, drift, replica, new Supervision(engine, coordinator, options.Recursion), coordinator, weights, schedule,
                shadow, telemetry, time)
            : new TrainingLoop(
                options, labelled, documents, drift, replica, new Supervision(engine, coordinator, options.Replicas), coordinator, schedule, telemetry, time);
        persistence = new CheckpointLoop(checkpoints, schedule, weights, training, documents.Unsaved, telemetry, time, turns.Wake);
    }

    /// <summary>The learning mode's name.</summary>
    public string Mode => Coordinator.NameOf(options.Learning);

    /// <summary>Opens a learner over what the store and the checkpoints hold. It takes articles at once; <see cref="Start"/> sets it learning.</summary>
    /// <param name="engine">Makes the engine; null for the one of Core's that the options name.</param>
    /// <param name="checkpoints">Null keeps weights in memory alone.</param>
    /// <param name="warn">Told what is odd but can be worked with, such as a damaged checkpoint that was passed over.</param>
    /// <exception cref="WeightsRejectedException">The store or the checkpoint was made with another encoder or network.</exception>
    /// <exception cref="EngineUnavailableException">The options name an engine that Core has not.</exception>
    public static async Task<LocalLearner> Open(
        RsrNetOptions options, ITextEncoder encoder, IDocumentStore store, ICheckpointStore? checkpoints,
        Func<RecursionShape, RecursionOptions, IRecursionEngine>? engine = null, TimeProvider? time = null, Action<string>? warn = null,
        CancellationToken cancellation = default)
    {
        var shape = options.Shape(encoder.Dimensions);
        engine ??= EngineCatalog.OfCore().Find(options.Replicas.Engine, options.Learning).Create;
        var learner = new LocalLearner(options, encoder, store, checkpoints, () => engine(shape, options.Recursion), time ?? TimeProvider.System);
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
        turns.Start(Run);
        backlog.Start();
        labelling = Task.Run(() => documents.Map.Label(store, turns.Stopped));
    }

    // ---- The path, a turn at a time -----------------------------------------------------------------------------------------------------------

    private async Task Run()
    {
        while (!turns.Stopping)
        {
            try
            {
                await turns.Answer();
                persistence.Persist();
                if (documents.Unsaved.MustWait || persistence.MustWait)
                {
                    await Rest();
                    continue;
                }
                TakeIn();
                var worked = training.LearnIfDue(persistence.HasRoomFor) | Refine();
                if (shadow is { IsReady: true }) await TryPromote(shadow);
                if (!worked && !await TakeStale()) await Rest();
                telemetry.OnRecovered("learner");
            }
            catch (StoreUnavailableException unavailable)
            {
                telemetry.OnProblem("learner", unavailable.Message);
                await Rest();
            }
        }
        await turns.Answer();
    }

    /// <summary>From the backlog: labelled documents to the training queue, the others to refinement.</summary>
    private void TakeIn()
    {
        while (labelled.Waiting < 2 * options.Coordination.RoundSize && refinement.Count < 4 * options.Documents.RefineBatch
            && backlog.TryTake(out var document))
        {
            // Somebody may have asked for it before its turn.
            var known = documents.TryFind(document.Id, out var taken) && taken.Document.Sequence == document.Sequence;
            if (!known) taken = documents.Hold(document);
            taken!.AwaitsTurn = false;
            if (taken.Document.Embedding is { } embedding) drift.OnArrived(embedding.X);
            if (taken.Document.Status == DocumentStatus.Failed) documents.Unsaved.Add(taken);
            else if (taken.Document.Article.HasHighlights && taken.Document.LearnedAt is null) labelled.Await(taken);
            else refinement.Add(taken);
        }
    }

    /// <summary>After a drift: all that was learned so far counts for fewer articles.</summary>
    private void Forget(int articles)
    {
        weights.Forget(articles);
        labelled.Reservoir!.Shrink(articles);
        shadow?.Forget(articles);
    }

    private bool Refine()
    {
        var worked = refinement.Step();
        // With other weights every article is read anew, which costs more than a step: several steps go with the same ones.
        for (var step = 1; step < stepsInTurn && refinement.Count > 0; step++) refinement.Step();
        return worked;
    }

    /// <summary>Idle time goes to documents that were refined with older weights.</summary>
    private async Task<bool> TakeStale() => !backlog.IsBehind && labelled.Waiting == 0 && await refinement.TakeStale(training.LastUpdateAt);

    private Task Rest() => turns.Rest(training.DueIn, documents.Unsaved.DueIn, persistence.DueIn);

    // ---- What others ask for ------------------------------------------------------------------------------------------------------------------

    /// <summary>After articles or amendments of them were stored, on any thread: hand over and return.</summary>
    public event Action? Stored;

    public async Task<IReadOnlyList<PutOutcome>> Ingest(IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        var waiting = await gauge.Waiting(cancellation);
        if (waiting >= options.Articles.Backlog) throw new BacklogFullException(waiting, BacklogRetry);
        var startedAt = time.GetTimestamp();
        using var trace = telemetry.OnIngesting(articles);
        var outcomes = await store.Put(articles, cancellation);
        gauge.OnArrived(outcomes.Count(outcome => !outcome.Duplicate));
        telemetry.OnIngested(outcomes, startedAt, trace);
        backlog.OnArrival();
        Stored?.Invoke();
        return outcomes;
    }

    public async Task<Document?> Find(string id, CancellationToken cancellation = default)
    {
        // The store knows which revision is the newest; the loop knows how far it has come.
        var stored = await store.Find(id, cancellation);
        return stored is not null && documents.TryFind(id, out var taken) && taken.Document.Sequence == stored.Sequence ? taken.Document : stored;
    }

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default) => store.List(query, cancellation);

    public IAsyncEnumerable<TrajectoryPoint> Watch(string id, CancellationToken cancellation = default) => documents.Watchers.Watch(id, cancellation);

    public ValueTask<ReadoutSummary> Summarize(Document document, CancellationToken cancellation = default) => ValueTask.FromResult(
        weights.Regressions is { } regressions ? readout.Of(document, learnedReadout, regressions.Statistics) : readout.Of(document));

    public Task<AmendOutcome?> Amend(string id, Amendment amendment, CancellationToken cancellation = default) => turns.Ask<AmendOutcome?>(async () =>
    {
        if (await Find(id, cancellation) is not { } found) return null;
        var outcome = await amendment.Apply(found, store, reader, cancellation);
        if (outcome.Put.Duplicate) return outcome;
        if (amendment.Labels is { } labels) documents.Map.Label(id, labels);
        // The store is the queue: from there it comes in its turn, with the state it has.
        if (outcome.Put.Status == DocumentStatus.Pending) gauge.OnArrived(1);
        backlog.OnArrival();
        Stored?.Invoke();
        return outcome;
    });

    public async Task<Document?> Refine(string id, RefineRequest request, CancellationToken cancellation = default)
    {
        var (steps, untilResidual) = request.Bounds(options.Documents);
        var run = new RefineRun(steps, untilResidual, request.TimeLimit, time);
        await turns.Ask(async () =>
        {
            if (await store.Find(id, cancellation) is not { } stored)
            {
                run.Completion.TrySetResult(null);
                return;
            }
            if (!documents.TryFind(id, out var taken) || taken.Document.Sequence != stored.Sequence)
            {
                taken = documents.Hold(stored);
                taken.AwaitsTurn = turns.HasLoop && !stored.IsFinished;
            }
            taken.Document = reader.Read(taken.Document);
            taken.Add(run);
            refinement.Add(taken);
            while (!turns.HasLoop && !run.Completion.Task.IsCompleted) refinement.Step();
        });
        return await run.Completion.Task.WaitAsync(cancellation);
    }

    public async Task<bool> Delete(string id, CancellationToken cancellation = default)
    {
        var deleted = await store.Delete(id, cancellation);
        await turns.Ask(async () =>
        {
            // Where the same id has come again meanwhile, what is known of it is the new article's.
            if (await store.Find(id, CancellationToken.None) is null) documents.Forget(id);
        });
        return deleted;
    }

    public async Task<IReadOnlyList<SearchHit>?> Search(SearchQuery query, CancellationToken cancellation = default)
    {
        if (query.Id is null) return documents.Index.Search(SearchVector.Of(Encoded(query.Text ?? ""), default), query.K);
        if (await Find(query.Id, cancellation) is not { } document) return null;
        var embedding = document.Embedding ?? encoder.Embed(document.Article);
        return documents.Index.Search(SearchVector.Of(embedding.X, document.State?.Y), query.K, except: query.Id);
    }

    public Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default) => turns.Ask(async () =>
    {
        var kept = checkpoints is null ? [] : await checkpoints.List(cancellation);
        var current = kept.FirstOrDefault(summary => summary.Version == weights.Version)
            ?? new WeightSummary(weights.Version, time.GetUtcNow(), weights.Loss, encoder.Id, Mode, 0, true);
        return (IReadOnlyList<WeightSummary>)[current with { Current = true }, .. kept.Where(summary => summary.Version != current.Version)];
    });

    public Task<Checkpoint?> FindWeights(long? version, CancellationToken cancellation = default) => turns.Ask(async () =>
        version is null || version == weights.Version ? weights.Snapshot()
        : checkpoints is null ? null
        : await checkpoints.Find(version.Value, cancellation));

    public Task<long> ImportWeights(Checkpoint weights, CancellationToken cancellation = default) => turns.Ask(async () =>
    {
        var before = this.weights.Snapshot();
        var version = this.weights.Adopt(weights);
        training.OnReplaced(version);
        try
        {
            await persistence.Save();
        }
        catch
        {
            this.weights.Restore(before);
            training.OnReplaced(before.Version);
            throw;
        }
        return version;
    });

    public async Task<long?> RestoreWeights(long version, CancellationToken cancellation = default) =>
        await FindWeights(version, cancellation) is { } kept ? await ImportWeights(kept, cancellation) : null;

    public Task<WeightSummary> SaveWeights(CancellationToken cancellation = default) => turns.Ask(() => persistence.Save());

    public Task<ShadowReport?> ReadShadow(CancellationToken cancellation = default) => Task.Run(() => shadow?.Read(), cancellation);

    public async Task<long?> PromoteShadow(CancellationToken cancellation = default) =>
        shadow is null ? null : await turns.Ask(() => Promote(shadow));

    /// <summary>By the rule; where a checkpoint cannot be written, at another time.</summary>
    private async Task TryPromote(ShadowModel challenger)
    {
        try
        {
            await Promote(challenger);
            telemetry.OnRecovered("shadow");
        }
        catch (IOException failed)
        {
            telemetry.OnProblem("shadow", $"the challenger could not be promoted: {failed.Message}");
        }
    }

    private async Task<long> Promote(ShadowModel challenger)
    {
        if (checkpoints is not null) await persistence.Save(pinned: true);
        var (champion, learning) = (weights.Snapshot(), weights.Residual!);
        var (taken, options) = challenger.Snapshot(encoder.Id, time.GetUtcNow());
        var version = weights.Adopt(taken with { Residual = taken.Residual! with { Promoted = options } });
        training.OnReplaced(version);
        replica.Unload();
        challenger.Swap(champion, learning, version);
        if (checkpoints is not null) await persistence.Save();
        return version;
    }

    public async Task<TelemetrySnapshot> ReadTelemetry(CancellationToken cancellation = default)
    {
        var snapshot = telemetry.Read(
            await gauge.Read(cancellation), weights.Version, schedule.DurableVersion, encoder.Id, Mode, schedule.UnsavedAge, weights.Regressions);
        return exchange is null
            ? snapshot
            : snapshot with { RefusedGradients = exchange.RefusedGradients, StaleGradients = exchange.StaleContributions };
    }

    public Task<DocumentMapView> ReadMap(long since = 0, CancellationToken cancellation = default) => Task.Run(() => documents.Map.Read(since), cancellation);

    public Task<DocumentRanking> Rank(DocumentOrder order, CancellationToken cancellation = default) => Task.Run(() => documents.Map.Rank(order), cancellation);

    public async Task<double?> MeasureContraction(string id, CancellationToken cancellation = default)
    {
        if (await Find(id, cancellation) is not { State: not null, Embedding: not null } document) return null;
        return await turns.Ask<double?>(() =>
        {
            var (current, version) = weights.Current;
            replica.Load(current, version);
            return Task.FromResult<double?>(replica.SpectralRadius(reader.Read(document)));
        });
    }

    public async Task<MapComparison> CompareWithUntrained(IReadOnlyList<string> ids, CancellationToken cancellation = default)
    {
        var chosen = new List<Document>(ids.Count);
        foreach (var id in ids.Take(2000))
        {
            if (await Find(id, cancellation) is { Embedding: not null } document) chosen.Add(reader.Read(document with { State = null }));
        }
        var untrained = weights.Untrained(options.Recursion.Seed);
        // A chunk at a time, so that learning waits for none of them long.
        List<MapVector> before = [], after = [];
        foreach (var chunk in chosen.Chunk(options.Documents.RefineBatch))
        {
            before.AddRange(await turns.Ask(() => Task.FromResult(replica.Outcomes(chunk, untrained, options.Recursion.SupervisionSteps))));
            after.AddRange(await turns.Ask(() => Task.FromResult(replica.Outcomes(chunk, weights.Current.Weights, options.Recursion.SupervisionSteps))));
        }
        return MapComparison.Of(before, after);
    }

    /// <summary>Learns from stored documents as one batch, now: the notebook's loop, for those who do not <see cref="Start"/> the learner.</summary>
    /// <param name="ids">Labelled documents; a small batch is joined by the latest ones learned before it.</param>
    /// <exception cref="ArgumentException">There is no such document, or it has no highlights.</exception>
    public Task<BatchReport> Learn(IReadOnlyList<string> ids, CancellationToken cancellation = default) => turns.Ask(async () =>
    {
        if (turns.HasLoop) throw new InvalidOperationException("a started learner forms its batches itself");
        var batch = new List<ActiveDocument>(ids.Count);
        foreach (var id in ids)
        {
            var document = await store.Find(id, cancellation) ?? throw new ArgumentException($"there is no document '{id}' to learn from");
            if (!document.Article.HasHighlights) throw new ArgumentException($"document '{id}' has no highlights to learn from");
            batch.Add(documents.Hold(reader.Read(document)));
        }
        var report = await training.Learn(batch);
        refinement.Clear();
        if (!await documents.Unsaved.Flush()) throw new StoreUnavailableException("the learned documents could not be saved");
        return report;
    });

    /// <summary>Finishes the step under way, then makes everything durable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (turns.Stopping) return;
        await turns.Stop();
        await backlog.DisposeAsync();
        await turns.Ended;
        await labelling;
        if (shadow is not null) await shadow.DisposeAsync();
        await training.End();
        documents.Watchers.Complete();
        await persistence.End();
        documents.Fail(new ObjectDisposedException(nameof(LocalLearner), "the server is shutting down"));
        replica.Dispose();
        training.Dispose();
        gauge.Dispose();
        documents.Dispose();
        turns.Dispose();
    }

    private async Task Resume(Action<string> warn, CancellationToken cancellation)
    {
        var recovery = new Recovery(store, checkpoints, encoder.Id, warn);
        if (await recovery.LoadWeights(cancellation) is { } checkpoint) weights.Restore(checkpoint);
        training.OnReplaced(weights.Version);
        schedule.OnSaved(weights.Version);
        await recovery.Unlearn(weights.Version, cancellation);
        await labelled.Recall(store, weights.Residual, cancellation);
        await recovery.Fill(documents.Index, documents.Map, cancellation);
    }

    private float[] Encoded(string text)
    {
        var vector = new float[encoder.Dimensions];
        encoder.Encode([text], vector);
        return vector;
    }
}
