using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>The replicas of one process that learn together, each with an engine and a thread of its own, and the work each of them has.</summary>
internal sealed class ReplicaGroup : IDisposable
{
    private readonly RsrNetOptions options;
    private readonly TimeProvider time;
    private readonly TrainingReplica[] replicas;
    private readonly ComputeThread[] threads;
    private readonly SortedSet<int> free;
    private readonly List<TrainingFlight> flights = [];

    /// <param name="engine">Makes an engine.</param>
    /// <param name="coordinator">From now on used through <see cref="Exchange"/> alone.</param>
    public ReplicaGroup(RsrNetOptions options, Func<IRecursionEngine> engine, Coordinator coordinator, TimeProvider time)
    {
        this.options = options;
        this.time = time;
        var count = options.Coordination.Replicas;
        Exchange = new GradientExchange(coordinator, options.Coordination, options.Recursion, time: time);
        threads = [.. Enumerable.Range(0, count).Select(number => new ComputeThread($"replica {number}"))];
        replicas = [.. threads.Select(thread => thread.Run(() => new TrainingReplica(engine(), thread, options, time)).GetAwaiter().GetResult())];
        free = [.. Enumerable.Range(0, count)];
    }

    public GradientExchange Exchange { get; }

    /// <summary>What the replicas are at.</summary>
    public IReadOnlyList<TrainingFlight> Flights => flights;

    /// <summary>Whether documents can be given out now. Replicas that share updates begin together.</summary>
    public bool HasRoom => options.Coordination.Mode == CoordinationMode.Asynchronous ? free.Count > 0 : flights.Count == 0;

    /// <summary>How many documents can be given out at once.</summary>
    public int Room => BatchPlan.MostDocuments(free.Count, options.Coordination);

    /// <summary>Updates that may come of what is under way and of what would be given out next.</summary>
    public int UpdatesAhead => BatchPlan.UpdatesAhead(flights.Count, options, Replays);

    private int Replays => Exchange.Residual?.Replays ?? 0;

    /// <summary>Gives documents out to the free replicas.</summary>
    /// <param name="batch">At least one, at most <see cref="Room"/>; labelled and embedded.</param>
    /// <param name="complete">Gives a replica's documents company: who joins a batch that is too small, or what is learned again after it.</param>
    /// <param name="onProgress">Called, from any thread, when there is something new in <see cref="Flights"/>.</param>
    public void Begin(IReadOnlyList<ActiveDocument> batch, Func<IReadOnlyList<Document>, TrainingBatch> complete, Action onProgress)
    {
        var plan = BatchPlan.Of(batch, [.. free], options.Sharing);
        var seats = Exchange.Open([.. plan.Select(part => part.Replica)], BatchPlan.Updates(options, Replays));
        foreach (var ((replica, batches), seat) in plan.Zip(seats))
        {
            free.Remove(replica);
            var order = new TrainingOrder(replica, seat.FirstSequence, [.. batches.Select(taken => complete([.. taken.Select(one => one.Document)]))]);
            var flight = new TrainingFlight([.. batches.SelectMany(taken => taken)], seat, Train(order, seat), time.GetTimestamp());
            flights.Add(flight);
            seat.FirstApplied.ContinueWith(_ => onProgress(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            flight.Outcome.ContinueWith(_ => onProgress(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>Takes those out that have ended.</summary>
    public List<TrainingFlight> TakeEnded()
    {
        var ended = flights.FindAll(flight => flight.Outcome.IsCompleted);
        foreach (var flight in ended)
        {
            flights.Remove(flight);
            free.Add(flight.Seat.Replica);
        }
        return ended;
    }

    /// <summary>Once all have ended, however they did.</summary>
    public async Task Rest()
    {
        foreach (var flight in flights) await Task.WhenAny(flight.Outcome);
    }

    public void Dispose()
    {
        foreach (var (thread, replica) in threads.Zip(replicas))
        {
            thread.Run(() =>
            {
                replica.Dispose();
                return true;
            });
            thread.Dispose();
        }
    }

    private async Task<TrainingOutcome> Train(TrainingOrder order, TrainingSeat seat)
    {
        try
        {
            return await replicas[order.Replica].Train(order, Exchange);
        }
        finally
        {
            Exchange.Leave(seat);
        }
    }
}

/// <summary>What one replica is learning from.</summary>
internal sealed class TrainingFlight(IReadOnlyList<ActiveDocument> documents, TrainingSeat seat, Task<TrainingOutcome> outcome, long begunAt)
{
    /// <summary>In the order of the outcome's.</summary>
    public IReadOnlyList<ActiveDocument> Documents => documents;

    public TrainingSeat Seat => seat;

    public Task<TrainingOutcome> Outcome => outcome;

    /// <summary>Timestamp.</summary>
    public long BegunAt => begunAt;

    /// <summary>Whether the documents have been marked as learned from.</summary>
    public bool IsMarked { get; set; }

    /// <summary>The version that first came of these documents; null until then, and where nothing was applied.</summary>
    public long? LearnedAt => seat.FirstApplied.IsCompletedSuccessfully ? seat.FirstApplied.Result : null;
}
