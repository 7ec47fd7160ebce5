using Orleans.Runtime;
using RsrNet.Grains;
using RsrNet.Grains.Replicas;

namespace RsrNet.Cluster.Tests.Replicas;

public sealed class PlacementTests
{
    private const string Device = "cuda";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GpuSilo_AmongOthers_HoldsTheReplicasAndNothingElse()
    {
        await using var cluster = await Start(3, gpu: 1);
        await cluster.Learner.Ingest(LearningCluster.Articles(0, 60), Cancellation);
        await cluster.Settled(60);
        var places = await Places(cluster);
        var gpu = cluster.Silos.Silos[1].SiloAddress;
        Assert.Equal([gpu], places["ReplicaGrain"].Distinct());
        foreach (var (type, silos) in places)
        {
            if (type != "ReplicaGrain") Assert.DoesNotContain(gpu, silos);
        }
        Assert.Contains("CoordinatorGrain", places.Keys);
        Assert.Contains("SearchShardGrain", places.Keys);
    }

    [Fact]
    public async Task GpuSilo_Alone_HoldsEverything()
    {
        await using var cluster = await Start(1, gpu: 0);
        await cluster.Learner.Ingest(LearningCluster.Articles(0, 12), Cancellation);
        await cluster.Settled(12);
        Assert.Contains("CoordinatorGrain", (await Places(cluster)).Keys);
    }

    [Fact]
    public async Task GpuSilo_Dies_ReplicasMoveToOthersAndComeBackWithIt()
    {
        await using var cluster = await Start(3, gpu: 2, again: 3);
        await cluster.Learner.Ingest(LearningCluster.Articles(0, 30), Cancellation);
        await cluster.Settled(30);

        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos[2]);
        await cluster.Learner.Ingest(LearningCluster.Articles(30, 30), Cancellation);
        await cluster.Settled(60);
        foreach (var st in await cluster.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics()) if (st.GrainType.Contains("Replica")) Console.WriteLine(st.GrainId + " " + st.SiloAddress);
        foreach (var h in await cluster.Client.GetGrain<IManagementGrain>(0).GetHosts()) Console.WriteLine(h);
        Assert.Equal(2, (await Places(cluster))["ReplicaGrain"].Distinct().Count());

        var back = await cluster.Silos.StartAdditionalSiloAsync();
        var next = 60;
        await LearningCluster.Eventually(async () =>
        {
            await cluster.Learner.Ingest(LearningCluster.Articles(next, 6), Cancellation);
            next += 6;
            await cluster.Settled(next);
            return (await Places(cluster)).GetValueOrDefault("ReplicaGrain") is { } replicas && replicas.All(silo => silo.Equals(back.SiloAddress));
        }, "the replicas' way back");
    }

    [Fact]
    public async Task Replicas_OverSilosOfOneKind_AreSpreadEvenly()
    {
        await using var cluster = await LearningCluster.Start(3);
        await cluster.Learner.Ingest(LearningCluster.Articles(0, 30), Cancellation);
        await cluster.Settled(30);
        Assert.Equal(3, (await Places(cluster))["ReplicaGrain"].Distinct().Count());
    }

    private static Task<LearningCluster> Start(int silos, int gpu, int again = -1) => LearningCluster.Start(
        silos, parts: (number, own) => number == gpu || number == again ? own with { Role = SiloRole.Gpu, Device = Device } : own,
        grains: new GrainOptions { ReplicaDevice = Device });

    private static async Task<Dictionary<string, List<SiloAddress>>> Places(LearningCluster cluster)
    {
        var statistics = await cluster.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics();
        return statistics.Where(one => one.GrainType.Contains("RsrNet", StringComparison.Ordinal))
            .GroupBy(one => one.GrainType.Split(',')[0].Split('.')[^1])
            .ToDictionary(type => type.Key, type => type.Select(one => one.SiloAddress).ToList());
    }
}
