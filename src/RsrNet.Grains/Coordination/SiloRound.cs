using RsrNet.Core.Coordination;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// The replicas of one silo that share their updates. What they bring is joined and sent once, when the last of them has brought its share: the coordinator
/// could not go on earlier either. Safe to call from many threads.
/// </summary>
/// <param name="send">To the coordinator.</param>
internal sealed class SiloRound(Func<Contribution, Task<ContributionAnswer>> send)
{
    private readonly Lock gate = new();
    private readonly HashSet<int> replicas = [];

    /// <summary>Those whose shares are with the coordinator: one that joins late, because its grain was just being activated, must not wait for them.</summary>
    private readonly HashSet<int> sent = [];
    private readonly List<(Contribution Value, TaskCompletionSource<ContributionAnswer> Answer)> shares = [];

    public void Join(int replica)
    {
        lock (gate) replicas.Add(replica);
    }

    /// <returns>Whether nobody is left.</returns>
    public bool Leave(int replica)
    {
        lock (gate)
        {
            replicas.Remove(replica);
            SendIfComplete();
            return replicas.Count == 0;
        }
    }

    public Task<ContributionAnswer> Contribute(Contribution contribution)
    {
        var answer = new TaskCompletionSource<ContributionAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            shares.Add((contribution, answer));
            SendIfComplete();
        }
        return answer.Task;
    }

    private void SendIfComplete()
    {
        if (shares.Count == 0 || !replicas.All(replica => sent.Contains(replica) || shares.Exists(share => share.Value.Parts[0].Replica == replica))) return;
        List<(Contribution Value, TaskCompletionSource<ContributionAnswer> Answer)> complete = [.. shares];
        shares.Clear();
        foreach (var share in complete) sent.Add(share.Value.Parts[0].Replica);
        // Those that read their weights at different versions do not belong together.
        foreach (var same in complete.GroupBy(share => (share.Value.Term, share.Value.BaseVersion))) Task.Run(() => Send([.. same]));
    }

    private async Task Send(List<(Contribution Value, TaskCompletionSource<ContributionAnswer> Answer)> together)
    {
        try
        {
            var precision = together[0].Value.Precision;
            var joined = Contribution.Join(together.ConvertAll(share => share.Value));
            var answer = await send(together.Count > 1 ? joined.Rounded(precision) : joined);
            if (answer.Reception == Reception.Split && together.Count > 1)
            {
                await Task.WhenAll(together.Select(share => Send([share])));
                return;
            }
            Return(together);
            foreach (var share in together) share.Answer.TrySetResult(answer);
        }
#pragma warning disable CA1031 // each of those who wait is told
        catch (Exception exception)
        {
            Return(together);
            foreach (var share in together) share.Answer.TrySetException(exception);
        }
#pragma warning restore CA1031
    }

    private void Return(List<(Contribution Value, TaskCompletionSource<ContributionAnswer> Answer)> together)
    {
        lock (gate)
        {
            foreach (var share in together) sent.Remove(share.Value.Parts[0].Replica);
        }
    }
}
