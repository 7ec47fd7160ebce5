using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// Gives pending documents out to replicas: labelled ones in training batches, then all of them for refinement. It holds ids, never vectors; the store is the
/// queue, so nothing is lost with it. Runs inside the coordinator's activation, which takes one step at a time.
/// </summary>
internal sealed class Dispatch(
    RsrNetOptions options, GrainOptions grainOptions, IDocumentStore store, IGrainFactory grains, GradientExchange exchange, LearnedSample sample,
    DriftReaction drift, CheckpointKeeper keeper, LearnerTelemetry telemetry, TimeProvider time, ILogger logger)
{
    /// <summary>Documents listed at a time.</summary>
    private const int Page = 256;

    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(1);

    /// <summary>How long what is under way may take when the activation ends.</summary>
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(5);

    /// <summary>Between two looks at whether a replica is still at its work.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>A replica that failed is given a rest: its silo may be on its way out.</summary>
    private static readonly TimeSpan FailureRest = TimeSpan.FromMilliseconds(500);

    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly PendingScan scan = new(store, Page);
    private readonly HashSet<string> inHand = new(StringComparer.Ordinal);
    private readonly TrainingQueue<string> awaitingTraining = new(options.Coordination, time);
    private readonly Queue<string> awaitingRefinement = new();
    private readonly Dictionary<string, long> sequences = new(StringComparer.Ordinal);
    private readonly SortedSet<int> freeLearners = [.. Enumerable.Range(0, options.Coordination.Replicas)];
    private readonly SortedSet<int> freeRefiners = [.. Enumerable.Range(0, options.Coordination.Replicas)];
    private readonly HashSet<Task> atWork = [];
    private string? alone;
    private int learning;
    private long refinements;
    private long rescannedAt = time.GetTimestamp();
    private long refreshedVersion;
    private bool scanning;

    private int Replays => exchange.Residual?.Replays ?? 0;

    private int UpdatesAhead => BatchPlan.UpdatesAhead(learning, options, Replays);

    /// <summary>Documents that are known but not finished, at most.</summary>
    private int MostInHand => 2 * options.Coordination.RoundSize + 4 * options.Documents.RefineBatch * options.Coordination.Replicas;

    private bool HasRoom => options.Coordination.Mode == CoordinationMode.Asynchronous ? freeLearners.Count > 0 : learning == 0;

    /// <summary>Looks up the documents that were learned from last.</summary>
    public async Task Remember(CancellationToken cancellation)
    {
        foreach (var document in (await store.ReadLearned(sample.Capacity, cancellation)).Reverse()) sample.Add(document.Id);
    }

    public void Wake() => wake.Writer.TryWrite(true);

    public void OnArrival()
    {
        scan.OnArrival();
        Wake();
    }

    public void OnDeleted(string id) => sample.Remove(id);

    /// <summary>Asks a document what is to be done with it, unless it is in somebody's hands.</summary>
    public void Offer(string id)
    {
        if (inHand.Add(id)) Start(TakeIn([id]));
    }

    public async Task Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                keeper.Count();
                keeper.WriteIfDue(UpdatesAhead, Wake);
                Scan();
                Learn();
                Refine();
                if (awaitingRefinement.Count == 0 && awaitingTraining.Count == 0 && !scanning) await TakeStale();
                telemetry.OnRecovered("learner");
            }
            catch (StoreUnavailableException unavailable)
            {
                telemetry.OnProblem("learner", unavailable.Message);
            }
            await Rest(stop);
        }
        // What replicas bring after that is late; the documents are in the store.
        await Task.WhenAny(Task.WhenAll(atWork), Task.Delay(LongestEnd, time, CancellationToken.None));
    }

    // ---- The queue ----------------------------------------------------------------------------------------------------------------------------

    private void Scan()
    {
        if (time.GetElapsedTime(rescannedAt).TotalSeconds >= grainOptions.RescanSeconds)
        {
            rescannedAt = time.GetTimestamp();
            scan.FromTheStart();
        }
        if (scanning || !scan.HasMore || inHand.Count >= MostInHand) return;
        scanning = true;
        Start(ScanPage());
    }

    private async Task ScanPage()
    {
        try
        {
            var fresh = (await scan.Next()).Where(inHand.Add).ToArray();
            telemetry.OnRecovered("backlog");
            await TakeIn(fresh, arrived: true);
        }
        catch (StoreUnavailableException unavailable)
        {
            telemetry.OnProblem("backlog", unavailable.Message);
            await Task.Delay(LongestRest, time);
        }
        finally
        {
            scanning = false;
        }
    }

    /// <summary>Has documents embedded, each on its own silo, and puts them where they belong, in order of arrival.</summary>
    /// <param name="arrived">Whether they come from the queue.</param>
    private async Task TakeIn(string[] ids, bool arrived = false)
    {
        var readiness = await Task.WhenAll(ids.Select(Prepare));
        for (var i = 0; i < ids.Length; i++)
        {
            sequences[ids[i]] = readiness[i].Sequence;
            if (arrived && readiness[i].X is { } x) drift.OnArrived(x);
            switch (readiness[i].For)
            {
                case ReadyFor.Training: awaitingTraining.Add(ids[i]); break;
                case ReadyFor.Refinement: awaitingRefinement.Enqueue(ids[i]); break;
                default: LetGo(ids[i]); break;
            }
        }
    }

    private async Task<Readiness> Prepare(string id)
    {
        try
        {
            return await grains.GetGrain<IDocumentGrain>(id).Prepare(exchange.Term);
        }
        catch (Exception exception) when (exception is OrleansException or TimeoutException or StoreUnavailableException)
        {
            // It stays in the store, and is found there again.
            scan.FromTheStart();
            return default;
        }
    }

    private void LetGo(string id)
    {
        inHand.Remove(id);
        sequences.Remove(id);
    }

    // ---- Learning -----------------------------------------------------------------------------------------------------------------------------

    private void Learn()
    {
        while (HasRoom && awaitingTraining.IsDue && keeper.HasRoomFor(UpdatesAhead))
        {
            List<string> batch = [];
            if (alone is not null) batch.Add(alone);
            alone = null;
            var most = BatchPlan.MostDocuments(freeLearners.Count, options.Coordination);
            while (batch.Count < most && awaitingTraining.TryTake(out var id)) batch.Add(id);
            if (sample.IsTooFew(batch))
            {
                // The first labelled document of all has nobody to be trained with: it is refined meanwhile, and joins the next batch.
                alone = batch[0];
                awaitingRefinement.Enqueue(alone);
                return;
            }
            Begin(batch);
        }
    }

    private void Begin(List<string> batch)
    {
        var (plan, replays) = (BatchPlan.Of(batch, [.. freeLearners], options.Sharing), Replays);
        var seats = exchange.Open([.. plan.Select(part => part.Replica)], BatchPlan.Updates(options, replays));
        foreach (var ((replica, batches), seat) in plan.Zip(seats))
        {
            freeLearners.Remove(replica);
            learning++;
            var order = new ReplicaOrder
            {
                Term = exchange.Term,
                AtLeast = exchange.Version,
                Round = seats[0].FirstSequence,
                Replica = replica,
                FirstSequence = seat.FirstSequence,
                Batches = [.. batches.Select(ids => new ReplicaBatch([.. ids], sample.GuestsOf(ids)) { Replays = sample.Draw(replays, ids.Count) })],
            };
            string[] documents = [.. batches.SelectMany(ids => ids)];
            var marked = Mark(seat, documents);
            keeper.Watch(seat, marked);
            Start(LearnFrom(order, seat, documents, marked));
        }
    }

    private async Task LearnFrom(ReplicaOrder order, TrainingSeat seat, string[] documents, Task marked)
    {
        var replica = grains.GetGrain<IReplicaGrain>(order.Replica);
        TrainingReport? report = null;
        try
        {
            report = await Attend(replica.Train(order), replica, learning: true, order.FirstSequence);
            foreach (var prediction in report.Predictions)
            {
                telemetry.OnPredicted(prediction.Similarity, prediction.Error);
                drift.OnJudged(prediction.Similarity);
            }
            foreach (var summary in report.Summaries) telemetry.OnSummarized(summary.Learned, summary.Lead, summary.IsOpen);
        }
#pragma warning disable CA1031 // whatever a replica fails with, its documents are given out again
        catch (Exception exception)
        {
            logger.LogWarning(exception, "replica {Replica} could not learn from {Documents} documents", order.Replica, documents.Length);
        }
#pragma warning restore CA1031
        exchange.Leave(seat);
        learning--;
        if (report is null) await Task.Delay(FailureRest, time);
        freeLearners.Add(order.Replica);
        Wake();

        var learned = await seat.FirstApplied is not null;
        if (learned)
        {
            foreach (var id in documents) sample.Add(id);
        }
        await marked;
        if (report is not null) await Settle(replica, order);
        // A gradient that was no number is not tried again: the documents are refined without having been learned from.
        if (!learned && report is not { GivenUp: false }) await TakeIn(documents);
        else foreach (var id in documents) awaitingRefinement.Enqueue(id);
    }

    private async Task Settle(IReplicaGrain replica, ReplicaOrder order)
    {
        try
        {
            await replica.Settle(order.Term, order.FirstSequence);
        }
#pragma warning disable CA1031 // the steps are lost; the documents go on from where they were
        catch (Exception exception)
        {
            logger.LogWarning(exception, "what replica {Replica} made of its documents is lost; they are refined from where they were", order.Replica);
        }
#pragma warning restore CA1031
    }

    /// <summary>From its first applied gradient on a document counts as learned from, whatever happens to its replica.</summary>
    private async Task Mark(TrainingSeat seat, string[] documents)
    {
        if (await seat.FirstApplied is not { } version) return;
        await Task.WhenAll(documents.Select(id => Mark(id, sequences.GetValueOrDefault(id), version)));
    }

    private async Task Mark(string id, long sequence, long version)
    {
        while (true)
        {
            try
            {
                await grains.GetGrain<IDocumentGrain>(id).MarkLearned(exchange.Term, sequence, version);
                return;
            }
            catch (Exception exception) when (exception is OrleansException or TimeoutException or StoreUnavailableException)
            {
                await Task.Delay(FailureRest, time);
            }
        }
    }

    // ---- Refinement ---------------------------------------------------------------------------------------------------------------------------

    private void Refine()
    {
        while (awaitingRefinement.Count > 0 && freeRefiners.Count > 0)
        {
            var replica = freeRefiners.Min;
            freeRefiners.Remove(replica);
            // Evenly, so that no replica waits while another has a long batch.
            var share = Math.Clamp((awaitingRefinement.Count + freeRefiners.Count) / (freeRefiners.Count + 1), 1, options.Documents.RefineBatch);
            List<string> documents = [];
            while (documents.Count < share && awaitingRefinement.TryDequeue(out var id)) documents.Add(id);
            Start(RefineOn(replica, [.. documents]));
        }
    }

    private async Task RefineOn(int replica, string[] documents)
    {
        HashSet<string> finished = [];
        try
        {
            var order = new RefinementOrder(exchange.Term, exchange.Version, documents, ++refinements);
            var grain = grains.GetGrain<IReplicaGrain>(replica);
            var report = await Attend(grain.Refine(order), grain, learning: false, order.Number);
            finished = [.. report.Finished];
        }
#pragma warning disable CA1031 // whatever a replica fails with, its documents are given out again
        catch (Exception exception)
        {
            logger.LogWarning(exception, "replica {Replica} could not refine {Documents} documents", replica, documents.Length);
            await Task.Delay(FailureRest, time);
        }
#pragma warning restore CA1031
        freeRefiners.Add(replica);
        foreach (var id in finished)
        {
            if (id != alone) LetGo(id);
        }
        await TakeIn([.. documents.Where(id => !finished.Contains(id))]);
    }

    /// <summary>Gives idle time to documents that were refined with older weights.</summary>
    private async Task TakeStale()
    {
        if (!options.Documents.RefreshWhenIdle) return;
        // While learning goes on weights change many times a second; only documents well behind are worth the work then.
        var active = keeper.LastUpdateAt is { } last && time.GetElapsedTime(last).TotalSeconds < options.Documents.RefreshSettleSeconds;
        var version = exchange.Version - (active ? options.Documents.RefreshLag : 0);
        if (version <= refreshedVersion) return;
        var stale = await store.ReadStale(version, options.Documents.RefineBatch * options.Coordination.Replicas);
        if (stale.Count == 0) refreshedVersion = version;
        foreach (var document in stale)
        {
            if (inHand.Add(document.Id)) awaitingRefinement.Enqueue(document.Id);
        }
        Refine();
    }

    /// <summary>
    /// Waits for a replica's work, however long it takes, and looks now and then whether the replica is at it: a message may be lost with a silo that it was to
    /// pass through, and then nobody answers.
    /// </summary>
    /// <exception cref="TimeoutException">Nobody is at it. Should it still be begun, what comes of it is late.</exception>
    private async Task<T> Attend<T>(Task<T> work, IReplicaGrain replica, bool learning, long number)
    {
        for (var missed = 0; missed < 2;)
        {
            try
            {
                return await work.WaitAsync(LookEvery, time);
            }
            catch (TimeoutException)
            {
                if (work.IsCompleted) return await work;
            }
            missed = await IsAt(replica, learning, number) ? 0 : missed + 1;
        }
        work.Ignore();
        throw new TimeoutException("the replica knows nothing of what it was given");
    }

    private async Task<bool> IsAt(IReplicaGrain replica, bool learning, long number)
    {
        try
        {
            return await replica.IsAt(exchange.Term, learning, number);
        }
        catch (Exception problem) when (problem is OrleansException or TimeoutException)
        {
            return false; // its silo may be on its way out
        }
    }

    // ---- Small print --------------------------------------------------------------------------------------------------------------------------

    /// <summary>Lets something go on beside the loop, which is called when it has ended. What it throws ends the coordinator's activation.</summary>
    private async void Start(Task work)
    {
        atWork.Add(work);
        try
        {
            await work;
        }
#pragma warning disable CA1031 // nothing here may end the process; the documents stay in the store, and the next scan finds them
        catch (Exception exception)
        {
            logger.LogError(exception, "a part of the dispatch failed");
            scan.FromTheStart();
        }
#pragma warning restore CA1031
        atWork.Remove(work);
        Wake();
    }

    private async Task Rest(CancellationToken stop)
    {
        var wait = LongestRest;
        var training = HasRoom && keeper.HasRoomFor(UpdatesAhead) ? awaitingTraining.DueIn : null; // otherwise whoever makes room calls
        foreach (var due in (ReadOnlySpan<TimeSpan?>)[training, keeper.DueIn])
        {
            if (due < wait) wait = due.Value;
        }
        if (wait < ShortestRest) wait = ShortestRest;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timeout.CancelAfter(wait);
        try
        {
            await wake.Reader.ReadAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            // Nobody called; something is due by itself, or the activation ends.
        }
    }
}
