using Orleans.Runtime;
using RsrNet.Core.Coordination;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// The exchange as the replicas of one silo see it. It fetches each version of the weights once, and joins the gradients of replicas that share an
/// update, so that the coordinator gets one from each silo, however many replicas there are.
/// </summary>
public sealed class SiloExchange(IGrainFactory grains, DocumentWriter writer, TimeProvider time)
{
    /// <summary>How long to go on trying where the coordinator does not answer: its silo may have died, and another takes over within this time.</summary>
    private static readonly TimeSpan Endurance = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    private readonly Lock gate = new();
    
    /// <summary>By term and number: each term counts from the beginning.</summary>
    private readonly Dictionary<(long Term, long Number), SiloRound> rounds = [];
    private Task<PublishedWeights>? newest;

    /// <summary>The newest term this silo has heard of.</summary>
    internal long Term => writer.Term;

    private ICoordinatorGrain Coordinator => grains.GetGrain<ICoordinatorGrain>(0);

    /// <summary>Takes a replica into its order's round. Leave it by disposing.</summary>
    internal SeatExchange Join(ReplicaOrder order)
    {
        writer.OnTerm(order.Term);
        lock (gate)
        {
            if (!rounds.TryGetValue((order.Term, order.Round), out var round)) rounds.Add((order.Term, order.Round), round = new SiloRound(Send));
            round.Join(order.Replica);
            return new SeatExchange(For(order.Term, order.AtLeast), round, () => Leave(order, round));
        }
    }

    /// <summary>The exchange for who has no seat: weights of a term, not older than a version.</summary>
    internal TermExchange For(long term, long atLeast) => new(this, term, atLeast);

    /// <summary>The newest weights this silo has, or newer ones where these will not do.</summary>
    internal async Task<PublishedWeights> ReadWeights(long term, long atLeast)
    {
        while (true)
        {
            Task<PublishedWeights> reading;
            bool mine;
            lock (gate)
            {
                mine = newest is null || newest.IsFaulted || newest.IsCanceled
                    || (newest.IsCompleted && (newest.Result.Term < term || (newest.Result.Term == term && newest.Result.Version < atLeast)));
                if (mine) newest = Persist(() => Coordinator.ReadWeights(atLeast));
                reading = newest!;
            }
            var weights = await reading;
            writer.OnTerm(weights.Term);
            // One that somebody else had asked for may be too old; one that was asked for just now is the newest there is.
            if (mine || weights.Term > term || (weights.Term == term && weights.Version >= atLeast)) return weights;
        }
    }

    private Task<ContributionAnswer> Send(Contribution contribution) => Persist(() => Coordinator.Contribute(contribution));

    private void Leave(ReplicaOrder order, SiloRound round)
    {
        lock (gate)
        {
            if (round.Leave(order.Replica)) rounds.Remove((order.Term, order.Round));
        }
    }

    /// <summary>Repeats a call that can be repeated while the cluster mends itself.</summary>
    private async Task<T> Persist<T>(Func<Task<T>> call)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception exception) when (exception is OrleansException or TimeoutException && time.GetElapsedTime(since) < Endurance)
            {
                await Task.Delay(RetryAfter, time);
            }
        }
    }
}

/// <summary>Weights of one term.</summary>
internal sealed class TermExchange(SiloExchange silo, long term, long atLeast) : IGradientExchange
{
    public Task<PublishedWeights> ReadWeights(long atLeast1) => silo.ReadWeights(term, Math.Max(atLeast, atLeast1));

    public Task<ContributionAnswer> Contribute(Contribution contribution) => throw new InvalidOperationException("a replica without an order has nothing to bring");
}

/// <summary>A replica's seat in its round.</summary>
internal sealed class SeatExchange(TermExchange weights, SiloRound round, Action leave) : IGradientExchange, IDisposable
{
    public Task<PublishedWeights> ReadWeights(long atLeast) => weights.ReadWeights(atLeast);

    public Task<ContributionAnswer> Contribute(Contribution contribution) => round.Contribute(contribution);

    public void Dispose() => leave();
}
