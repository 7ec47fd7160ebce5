using Orleans.Concurrency;
using Orleans.Runtime;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Grains.Coordination;
using RsrNet.Grains.Documents;

namespace RsrNet.Grains.Replicas;

/// <summary>
/// A replica: fetches documents from their grains, has the engine work on its thread, and brings what came of it where it belongs. It learns and refines
/// at the same time, step by step in turn, with an engine for each.
/// </summary>
[Reentrant, ReplicaPlacement]
internal sealed class ReplicaGrain(
    SiloExchange exchange, ReplicaEngines engines, ReplicaPlaces places, ISiloStatusOracle silos, ILocalSiloDetails here, ITextEncoder encoder,
    RsrNetOptions options, LearnerTelemetry telemetry, TimeProvider time) : Grain, IReplicaGrain
{
    private readonly Dictionary<(long Term, long FirstSequence), List<(int BaseStep, Document Stepped)>> unsettled = [];
    private readonly HashSet<(long Term, bool Learning, long Number)> atWork = [];
    private ComputeThread thread = null!;
    private TrainingReplica learner = null!;
    private Replica refiner = null!;
    private long refinerTerm = -1;

    /// <summary>BatchNorm has no variance over one row.</summary>
    private readonly int fewestRows = options.Learning == LearningMode.Residual ? 1 : 2;

    private int Number => (int)this.GetPrimaryKeyLong();

    private bool IsResidual => options.Learning == LearningMode.Residual;

    /// <summary>The replica that serves a document's requests.</summary>
    public static IReplicaGrain Any(IGrainFactory grains, string id, RsrNetOptions options) =>
        grains.GetGrain<IReplicaGrain>((long)(FeatureHash.Of(id) % (ulong)options.Coordination.Replicas));

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        thread = engines.Thread(Number);
        (learner, refiner) = await thread.Run(() =>
            (new TrainingReplica(engines.Create(), thread, options, time), new Replica(engines.Create()))).WaitAsync(cancellationToken);
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await thread.Run(() =>
        {
            learner.Dispose();
            refiner.Dispose();
            return true;
        }).WaitAsync(cancellationToken);
        // The thread waits for nobody, but its end must not be waited for on the grain's scheduler.
        await Task.Run(() => engines.Return(thread), cancellationToken);
    }

    public Task<bool> IsAt(long term, bool learning, long number) => Task.FromResult(atWork.Contains((term, learning, number)));

    public Task<TrainingReport> Train(ReplicaOrder order) => At((order.Term, true, order.FirstSequence), () => LearnFrom(order));

    public Task<RefinementReport> Refine(RefinementOrder order) => At((order.Term, false, order.Number), () => Finish(order));

    private async Task<T> At<T>((long Term, bool Learning, long Number) order, Func<Task<T>> work)
    {
        atWork.Add(order);
        try
        {
            return await work();
        }
        finally
        {
            atWork.Remove(order);
        }
    }

    private async Task<TrainingReport> LearnFrom(ReplicaOrder order)
    {
        // Nobody asks any more for what was done in a term that is over.
        foreach (var key in unsettled.Keys.Where(key => key.Term < order.Term).ToList()) unsettled.Remove(key);
        using var seat = exchange.Join(order);
        List<TrainingBatch> batches = [];
        foreach (var batch in order.Batches)
        {
            var (documents, guests) = (await Take(batch.Documents, order.Term), await Take(batch.Guests, order.Term));
            var learnable = new TrainingBatch(documents.FindAll(Readiness.IsLearnable), guests.FindAll(IsLabelled))
            {
                Replays = await TakeReplays(batch.Replays, order.Term),
            };
            // Some may have gone since the order was made; the others are given out again.
            if (learnable.Documents.Count > 0 && learnable.Rows.Count >= fewestRows) batches.Add(learnable);
        }
        if (batches.Count == 0) return new TrainingReport([], GivenUp: true);

        var startedAt = telemetry.Timestamp();
        var outcome = await learner.Train(new TrainingOrder(order.Replica, order.FirstSequence, batches) { Term = order.Term }, seat);

        var before = batches.SelectMany(batch => batch.Documents);
        var stepped = before.Zip(outcome.Documents).Where(pair => pair.First.State != pair.Second.State).ToList();
        unsettled[(order.Term, order.FirstSequence)] = stepped.ConvertAll(pair => (pair.First.State?.Step ?? 0, pair.Second.WithoutEmbedding()));
        if (outcome.Loss is not null) telemetry.OnReplicaTrained($"replica {Number}", outcome.Documents.Count, options.Recursion.SupervisionSteps, startedAt);
        if (options.Shadow.Enabled && outcome.Loss is not null)
        {
            GrainFactory.GetGrain<IShadowGrain>(0).OnJudged(
                [.. outcome.Documents], [.. outcome.Predictions.Select(prediction => (double)prediction.Similarity)],
                [.. outcome.Summaries.Select(summary => summary.Served)]).Ignore();
        }
        return new TrainingReport([.. outcome.Predictions], outcome.Late) { Summaries = [.. outcome.Summaries] };
    }

    public async Task Settle(long term, long firstSequence)
    {
        if (!unsettled.Remove((term, firstSequence), out var documents)) return;
        await Task.WhenAll(documents.Select(one => GrainFactory.GetGrain<IDocumentGrain>(one.Stepped.Id).Record(one.BaseStep, one.Stepped)));
        LeaveIfElsewhere();
    }

    private async Task<RefinementReport> Finish(RefinementOrder order)
    {
        var taken = await Take(order.Documents, order.Term);
        var finished = order.Documents.Except(taken.Select(document => document.Id), StringComparer.Ordinal).ToList();
        var run = new RefinementRun(taken.FindAll(IsRead), options, time);
        var weights = await exchange.For(order.Term, order.AtLeast).ReadWeights(0);
        while (!run.IsDone)
        {
            var startedAt = telemetry.Timestamp();
            var rows = run.Count;
            await thread.Run(() => run.Step(refiner, Load(weights)));
            telemetry.OnRefined(rows, startedAt);
        }

        var recorded = await Task.WhenAll(run.Ended.Select(one =>
            GrainFactory.GetGrain<IDocumentGrain>(one.Document.Id).Record(one.BaseStep, one.Document.WithoutEmbedding())));
        // Whoever was stepped by somebody else meanwhile is asked what is to be done with it.
        finished.AddRange(run.Ended.Zip(recorded).Where(pair => pair.Second).Select(pair => pair.First.Document.Id));
        LeaveIfElsewhere();
        return new RefinementReport([.. finished]);
    }

    public async Task<Document> RefineNow(Document lean, int steps, double? untilResidual, TimeSpan? timeLimit)
    {
        var begunAt = time.GetTimestamp();
        var weights = await exchange.For(exchange.Term, 0).ReadWeights(0);
        for (var step = 0; step < steps; step++)
        {
            lean = await thread.Run(() =>
            {
                var version = Load(weights);
                refiner.Place([lean]);
                refiner.Refine();
                return refiner.Stepped(lean, 0, trained: false, version, time.GetUtcNow(), options.Documents);
            });
            var reached = untilResidual is { } bound && lean.State is { } state && state.ResidualY < bound && state.ResidualZ < bound;
            if (reached || lean.Status == DocumentStatus.Failed || time.GetElapsedTime(begunAt) >= timeLimit) break;
        }
        return lean.WithoutEmbedding();
    }

    public async Task<double> MeasureContraction(Document lean)
    {
        var weights = await exchange.For(exchange.Term, 0).ReadWeights(0);
        return await thread.Run(() =>
        {
            Load(weights);
            return refiner.SpectralRadius(lean);
        });
    }

    public async Task<MapVector[]> Outcomes(string[] ids, bool untrained)
    {
        var documents = (await Take(ids, exchange.Term)).FindAll(IsRead).ConvertAll(document => document with { State = null });
        var weights = untrained
            ? RecursionInitialization.Create(options.Shape(encoder.Dimensions), options.Recursion.Seed)
            : (await exchange.For(exchange.Term, 0).ReadWeights(0)).Served;
        return await thread.Run(() => refiner.Outcomes(documents, weights, options.Recursion.SupervisionSteps).ToArray());
    }

    /// <summary>Whether it has all the vectors that the mode works on.</summary>
    private bool IsRead(Document document) => document.Embedding is { } embedding && (!IsResidual || embedding.Sentences is not null);

    private bool IsLabelled(Document document) => document.Embedding?.T is not null && IsRead(document) && document.Embedding.Sentences is not { Count: 0 };

    private async Task<IReadOnlyList<Document>[]> TakeReplays(string[][] replays, long term)
    {
        var taken = await Task.WhenAll(replays.Select(ids => Take(ids, term)));
        return [.. taken.Select(documents => documents.FindAll(IsLabelled)).Where(documents => documents.Count > 0)];
    }

    private async Task<List<Document>> Take(IReadOnlyList<string> ids, long term) =>
        [.. (await Task.WhenAll(ids.Select(id => GrainFactory.GetGrain<IDocumentGrain>(id).Take(term)))).OfType<Document>()];

    private long Load(PublishedWeights weights)
    {
        // The same number may stand for other weights in another term.
        if (weights.Term != refinerTerm) refiner.Unload();
        refinerTerm = weights.Term;
        refiner.Load(weights.Served, weights.Version);
        return weights.Version;
    }

    /// <summary>When silos come or go, another may be the place for this replica: the next call then finds it there.</summary>
    private void LeaveIfElsewhere()
    {
        var active = silos.GetApproximateSiloStatuses(onlyActive: true).Keys;
        if (unsettled.Count == 0 && active.Count > 0 && !places.Of(Number, active).Equals(here.SiloAddress)) DeactivateOnIdle();
    }
}
