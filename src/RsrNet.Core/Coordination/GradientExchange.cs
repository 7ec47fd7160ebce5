using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Takes contributions of several replicas to one coordinator: joins those that belong together, refuses those that are too old, and applies
/// each once, however often it comes. Safe to call from many threads.
/// </summary>
/// <remarks>
/// BatchNorm's running statistics: with momentum m, k calls move them from s to a s + (1 - a) b, where a = (1 - m)^k and b is the batches' part.
/// A contribution brings that for the statistics of its base version, s0; applied to the current ones, s, it gives
/// (a s0 + (1 - a) b) + a (s - s0), which is what the batches would have made of s, had they come one after the other.
/// </remarks>
public sealed class GradientExchange : IGradientExchange
{
    /// <summary>How long a contribution waits for the others of its update before it is answered <see cref="Reception.Held"/>: well below what a caller across a network waits.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Coordinator coordinator;
    private readonly CoordinationOptions options;
    private readonly double stopConfidence;
    private readonly long term;
    private readonly TimeProvider time;

    private readonly Lock gate = new();
    private readonly Dictionary<int, TrainingSeat> seats = [];
    private readonly List<HeldContribution> held = [];

    /// <summary>Running statistics of the versions a contribution may be based on.</summary>
    private readonly SortedDictionary<long, float[]> statistics = [];
    private PublishedWeights? published;
    private long oldestBase;
    private long nextSequence = 1;

    /// <param name="coordinator">From now on used through the exchange alone.</param>
    /// <param name="term">Higher than that of any exchange before it over the same documents.</param>
    public GradientExchange(Coordinator coordinator, CoordinationOptions options, RecursionOptions recursion, long term = 0, TimeProvider? time = null)
    {
        this.coordinator = coordinator;
        this.options = options;
        this.term = term;
        this.time = time ?? TimeProvider.System;
        stopConfidence = recursion.StopConfidence;
        Remember();
    }

    /// <summary>Contributions refused since the start because their weights were too old.</summary>
    public long StaleContributions { get; private set; }

    /// <summary>Contributions that had been applied already when they came again, since the start.</summary>
    public long RepeatedContributions { get; private set; }

    /// <summary>Contributions that nobody waited for any more, since the start.</summary>
    public long LateContributions { get; private set; }

    /// <summary>Gradients that were not finite, since the start.</summary>
    public long RefusedGradients => Locked(() => coordinator.RefusedGradients);

    public long Version => Locked(() => coordinator.Version);

    public long Term => term;

    /// <summary>The current weights, as a value.</summary>
    public PublishedWeights Current => Locked(() =>
    {
        if (published is null || published.Version != coordinator.Version)
        {
            var optimizer = options.Mode == CoordinationMode.LocalSteps ? coordinator.Optimizer.Clone() : null;
            var weights = coordinator.Weights.Clone();
            published = new PublishedWeights(term, coordinator.Version, weights, optimizer)
            {
                Served = coordinator.Served == coordinator.Weights ? weights : coordinator.Served.Clone(),
                LearningRate = coordinator.LearningRate,
                Residual = coordinator.Residual,
            };
        }
        return published;
    });

    /// <inheritdoc cref="Coordinator.Residual"/>
    internal ResidualOptions? Residual => Locked(() => coordinator.Residual);

    /// <summary>What the regressions of the current version say; null in the notebook's mode.</summary>
    internal ServedRegressions? Regressions => Locked(() => ServedRegressions.Of(coordinator));

    private bool Joins => options.Mode != CoordinationMode.Asynchronous;

    /// <summary>
    /// Gives replicas a seat each. Those of one call share every update, unless they are asynchronous: it is applied once all that still have their
    /// seats have brought their shares.
    /// </summary>
    /// <param name="replicas">Without a seat so far.</param>
    /// <param name="contributions">How many contributions each may bring at most.</param>
    /// <exception cref="InvalidOperationException">A replica has a seat, or others share updates that these would have to join.</exception>
    public IReadOnlyList<TrainingSeat> Open(IReadOnlyList<int> replicas, int contributions) => Locked(() =>
    {
        if (replicas.FirstOrDefault(seats.ContainsKey, -1) is >= 0 and var replica)
            throw new InvalidOperationException($"replica {replica} has work already");
        if (Joins && seats.Count > 0) throw new InvalidOperationException("the replicas have not ended the round before");
        var opened = new TrainingSeat[replicas.Count];
        for (var i = 0; i < opened.Length; i++)
        {
            opened[i] = new TrainingSeat(replicas[i], nextSequence);
            seats.Add(replicas[i], opened[i]);
            nextSequence += contributions;
        }
        return opened;
    });

    /// <summary>Ends a replica's work, done or given up: nobody waits for it any more, and what it still brings is late.</summary>
    public void Leave(TrainingSeat seat) => Locked(() =>
    {
        if (!seats.TryGetValue(seat.Replica, out var taken) || taken != seat) return false;
        seats.Remove(seat.Replica);
        // What it brought to the update under way goes with it: its documents will be learned from by another.
        foreach (var contribution in held.FindAll(one => one.IsFrom(seat.Replica))) Release(contribution, contribution.Value.Parts.Count == 1 ? Reception.Late : Reception.Split);
        seat.Leave();
        ApplyIfComplete();
        return true;
    });

    /// <inheritdoc/>
    public Task<PublishedWeights> ReadWeights(long atLeast) => Task.FromResult(Current);

    /// <inheritdoc/>
    public async Task<ContributionAnswer> Contribute(Contribution contribution)
    {
        Task<ContributionAnswer> answer;
        lock (gate) answer = Receive(contribution);
        if (!answer.IsCompleted)
        {
            using var patience = new CancellationTokenSource(Patience, time);
            var expired = Task.Delay(Timeout.InfiniteTimeSpan, patience.Token);
            if (await Task.WhenAny(answer, expired) == expired) return Answer(Reception.Held);
            await patience.CancelAsync();
        }
        return await answer;
    }

    /// <inheritdoc cref="Coordinator.Forget"/>
    public void Forget(int articles) => Locked(() =>
    {
        coordinator.Forget(articles);
        return true;
    });

    /// <inheritdoc cref="Coordinator.Snapshot"/>
    public Checkpoint Snapshot(string? encoderId, string mode, DateTimeOffset at) => Locked(() => coordinator.Snapshot(encoderId, mode, at));

    /// <summary>Goes on from other weights as the next version. What was computed with those before is refused from now on.</summary>
    /// <inheritdoc cref="Coordinator.Adopt"/>
    public long Adopt(Checkpoint checkpoint) => Locked(() =>
    {
        var version = coordinator.Adopt(checkpoint);
        Abandon();
        return version;
    });

    /// <summary>Goes back to a checkpoint, with its version.</summary>
    /// <inheritdoc cref="Coordinator.Restore"/>
    public void Restore(Checkpoint checkpoint) => Locked(() =>
    {
        coordinator.Restore(checkpoint);
        Abandon();
        return true;
    });

    /// <remarks>Call under the lock.</remarks>
    private Task<ContributionAnswer> Receive(Contribution contribution)
    {
        if (contribution.Term != term || contribution.BaseVersion > coordinator.Version) return Task.FromResult(Late());
        var own = new List<TrainingSeat>(contribution.Parts.Count);
        foreach (var part in contribution.Parts)
        {
            if (seats.TryGetValue(part.Replica, out var seat) && part.Sequence >= seat.FirstSequence) own.Add(seat);
        }
        if (own.Count == 0) return Task.FromResult(Late());
        if (own.Count < contribution.Parts.Count) return Task.FromResult(Answer(Reception.Split));

        var repeated = contribution.Parts.Where((part, i) => part.Sequence <= own[i].LastSequence).Count();
        if (repeated == contribution.Parts.Count)
        {
            RepeatedContributions++;
            return Task.FromResult(own[0].Repeat(contribution.Parts[0].Sequence));
        }
        if (held.Find(one => one.Overlaps(contribution)) is { } before)
            return before.Value.Parts.SequenceEqual(contribution.Parts) ? before.Answer : Task.FromResult(Answer(Reception.Split));
        if (repeated > 0) return Task.FromResult(Answer(Reception.Split));
        if (IsStale(contribution))
        {
            StaleContributions++;
            foreach (var seat in own) seat.OnRefused();
            // A replica's own weights cannot be computed anew with others under them: its batches are dealt out again.
            return Task.FromResult(Answer(options.Mode == CoordinationMode.LocalSteps ? Reception.Late : Reception.Stale));
        }
        var share = new HeldContribution(contribution);
        held.Add(share);
        if (Joins) ApplyIfComplete();
        else Apply([share]);
        return share.Answer;
    }

    private bool IsStale(Contribution contribution)
    {
        var behind = coordinator.Version - contribution.BaseVersion;
        return behind > (Joins ? 0 : options.StalenessBound) || contribution.BaseVersion < oldestBase;
    }

    private void ApplyIfComplete()
    {
        if (held.Count > 0 && seats.Keys.All(replica => held.Exists(contribution => contribution.IsFrom(replica)))) Apply([.. held]);
    }

    private void Apply(List<HeldContribution> shares)
    {
        var joined = Contribution.Join(shares.ConvertAll(share => share.Value));
        var behind = coordinator.Version - joined.BaseVersion;
        var applied = options.Mode == CoordinationMode.LocalSteps
            ? coordinator.Average(joined.Values, joined.Updates, joined.Loss, joined.Lessons)
            : !double.IsNaN(coordinator.Apply(joined.Values, joined.Loss, joined.Lessons));
        if (applied)
        {
            MoveStatistics(joined);
            Remember();
        }
        var answer = new ContributionAnswer(
            applied ? Reception.Applied : Reception.NotFinite, coordinator.Version, applied && joined.Confidence > stopConfidence);
        foreach (var share in shares)
        {
            held.Remove(share);
            foreach (var part in share.Value.Parts)
            {
                if (applied && seats.TryGetValue(part.Replica, out var seat)) seat.OnApplied(part.Sequence, answer, behind);
            }
            share.Complete(answer);
        }
    }

    private void MoveStatistics(Contribution joined)
    {
        if (joined.Calls == 0) return; // no batch went through a BatchNorm
        var current = coordinator.Weights.Statistics;
        var origin = statistics[joined.BaseVersion];
        var left = Math.Pow(1 - ReferenceBatchNorm.Momentum, joined.Calls);
        // With the base's own statistics the second term is zero exactly, and the replica's are taken as they are.
        for (var i = 0; i < current.Length; i++) current[i] = (float)(joined.Statistics[i] + left * ((double)current[i] - origin[i]));
        coordinator.Weights.BatchesTracked += joined.Calls;
    }

    private void Remember()
    {
        if (coordinator.Regressions is not null) return; // their statistics are the coordinator's own
        statistics[coordinator.Version] = [.. coordinator.Weights.Statistics];
        while (statistics.Count > 1 && statistics.First().Key < coordinator.Version - options.StalenessBound) statistics.Remove(statistics.First().Key);
    }

    /// <summary>The weights were exchanged for others: what was computed with those before means nothing to these.</summary>
    private void Abandon()
    {
        oldestBase = coordinator.Version;
        published = null;
        statistics.Clear();
        Remember();
        foreach (var contribution in held.ToList()) Release(contribution, options.Mode == CoordinationMode.LocalSteps ? Reception.Late : Reception.Stale);
    }

    private void Release(HeldContribution contribution, Reception reception)
    {
        held.Remove(contribution);
        contribution.Complete(Answer(reception));
    }

    private ContributionAnswer Late()
    {
        LateContributions++;
        return Answer(Reception.Late);
    }

    private ContributionAnswer Answer(Reception reception) => new(reception, coordinator.Version);

    private T Locked<T>(Func<T> action)
    {
        lock (gate) return action();
    }

    /// <summary>A contribution whose update waits for others.</summary>
    private sealed class HeldContribution(Contribution value)
    {
        private readonly TaskCompletionSource<ContributionAnswer> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Contribution Value { get; } = value;

        public Task<ContributionAnswer> Answer => answer.Task;

        public bool IsFrom(int replica) => Value.Parts.Any(part => part.Replica == replica);

        public bool Overlaps(Contribution other) => other.Parts.Any(part => IsFrom(part.Replica));

        public void Complete(ContributionAnswer result) => answer.TrySetResult(result);
    }
}
