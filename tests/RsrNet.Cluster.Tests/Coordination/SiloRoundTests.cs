using RsrNet.Core.Coordination;
using RsrNet.Grains.Coordination;

namespace RsrNet.Cluster.Tests.Coordination;

public sealed class SiloRoundTests
{
    private readonly List<Contribution> sent = [];
    private Func<Contribution, ContributionAnswer> answer = _ => new ContributionAnswer(Reception.Applied, 1);

    [Fact]
    public async Task Contribute_OfAllReplicas_IsSentOnceAsTheirMeanOverTheRows()
    {
        var round = Round(0, 1);
        var first = round.Contribute(Share(0, rows: 1, value: 1));
        Assert.False(first.IsCompleted);
        var second = round.Contribute(Share(1, rows: 3, value: 5));
        Assert.Equal(Reception.Applied, (await first).Reception);
        Assert.Equal(Reception.Applied, (await second).Reception);
        var joined = Assert.Single(sent);
        Assert.Equal([4f, 4f], joined.Values);
        Assert.Equal([0, 1], joined.Parts.Select(part => part.Replica));
    }

    [Fact]
    public async Task Leave_OneOfTwo_SendsTheOthers()
    {
        var round = Round(0, 1);
        var first = round.Contribute(Share(0, 1, 1));
        Assert.False(round.Leave(1));
        await first;
        Assert.Single(sent);
        Assert.True(round.Leave(0));
    }

    [Fact]
    public async Task Contribute_OfOneThatJoinedLate_DoesNotWaitForWhatWasSentBefore()
    {
        var pending = new TaskCompletionSource<ContributionAnswer>();
        var round = new SiloRound(contribution =>
        {
            lock (sent) sent.Add(contribution);
            return pending.Task;
        });
        round.Join(0);
        var first = round.Contribute(Share(0, 1, 1));
        round.Join(1);
        var second = round.Contribute(Share(1, 1, 1)); // the coordinator answers the first once it has this one
        await LearningCluster.Eventually(() =>
        {
            lock (sent) return Task.FromResult(sent.Count == 2);
        });
        pending.SetResult(new ContributionAnswer(Reception.Applied, 1));
        await Task.WhenAll(first, second);
        Assert.All(sent, one => Assert.Single(one.Parts));
    }

    [Fact]
    public async Task Answer_Split_SendsOneByOne()
    {
        answer = contribution => new ContributionAnswer(contribution.Parts.Count > 1 ? Reception.Split : Reception.Repeated, 1);
        var round = Round(0, 1);
        var both = await Task.WhenAll(round.Contribute(Share(0, 1, 1)), round.Contribute(Share(1, 1, 1)));
        Assert.All(both, one => Assert.Equal(Reception.Repeated, one.Reception));
        Assert.Equal([2, 1, 1], sent.Select(contribution => contribution.Parts.Count));
    }

    [Fact]
    public async Task Contribute_OfOtherBaseVersions_IsSentApart()
    {
        var round = Round(0, 1);
        await Task.WhenAll(round.Contribute(Share(0, 1, 1)), round.Contribute(Share(1, 1, 1) with { BaseVersion = 3 }));
        Assert.Equal(2, sent.Count);
    }

    [Fact]
    public async Task Send_Fails_EachIsTold()
    {
        answer = _ => throw new TimeoutException("nobody there");
        var round = Round(0, 1);
        var first = round.Contribute(Share(0, 1, 1));
        await Assert.ThrowsAsync<TimeoutException>(() => round.Contribute(Share(1, 1, 1)));
        await Assert.ThrowsAsync<TimeoutException>(() => first);
    }

    private SiloRound Round(params int[] replicas)
    {
        var round = new SiloRound(contribution =>
        {
            lock (sent) sent.Add(contribution);
            return Task.FromResult(answer(contribution));
        });
        foreach (var replica in replicas) round.Join(replica);
        return round;
    }

    private static Contribution Share(int replica, int rows, float value) => new()
    {
        Term = 1, BaseVersion = 2, Parts = [new ContributionPart(replica, 10 + replica, rows, 1, 1, 0.5)], Values = [value, value], Statistics = [value], Calls = 12,
    };
}
