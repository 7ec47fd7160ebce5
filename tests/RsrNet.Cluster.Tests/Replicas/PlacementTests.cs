using Orleans.Runtime;
using RsrNet.Grains;
using RsrNet.Grains.Coordination;
using RsrNet.Grains.Coordination.Models;
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
        var gpu = cluster.Silo(1).SiloAddress;
        await cluster.Acquainted();
        await AllReplicasOn(cluster, gpu);
        // The silo with the GPU may have been the first to be ready.
        await LearningCluster.Eventually(async () =>
        {
            await LearningCluster.Persist(async () =>
            {
                await cluster.Client.GetGrain<ICoordinatorGrain>(0).Wake();
                await cluster.Client.GetGrain<IModelDirectoryGrain>(0).Wake();
                return true;
            });
            var now = await Places(cluster);
            return new[] { "CoordinatorGrain", "ModelDirectoryGrain" }.All(grain => now.GetValueOrDefault(grain) is { } place && !place.Contains(gpu));
        }, "the coordinator's way, and the directory's");
        var places = await Places(cluster);
        // Its telemetry is a part of each silo, and its way to documents.
        foreach (var (type, silos) in places) Assert.True(type is "ReplicaGrain" or "SiloTelemetry" or "SiloDocuments" || !silos.Contains(gpu), type);
        Assert.Contains("CoordinatorGrain", places.Keys);
        Assert.Contains("SearchShardGrain", places.Keys);
    }

    [Fact]
    public async Task GpuSilo_Alone_HoldsEverything()
    {
        await using var cluster = await Start(1, gpu: 0);
        await LearningCluster.Persist(() => cluster.Learner.Ingest(LearningCluster.Articles(0, 12), Cancellation));
        await cluster.Settled(12);
        Assert.Contains("CoordinatorGrain", (await Places(cluster)).Keys);
    }

    [Fact]
    public async Task GpuSilo_Dies_ReplicasMoveToOthersAndComeBackWithIt()
    {
        await using var cluster = await Start(3, gpu: 2, again: 3);
        var next = await AllReplicasOn(cluster, cluster.Silo(2).SiloAddress);

        await cluster.Silos.KillSiloAsync(cluster.Silo(2), Cancellation);
        await LearningCluster.Persist(() => cluster.Learner.Ingest(LearningCluster.Articles(next, 30), Cancellation));
        next += 30;
        await cluster.Settled(next);
        SiloAddress[] left = [cluster.Silo(0).SiloAddress, cluster.Silo(1).SiloAddress];
        Assert.All((await Places(cluster))["ReplicaGrain"], silo => Assert.Contains(silo, left));

        var back = await cluster.Silos.StartAdditionalSiloAsync();
        await AllReplicasOn(cluster, back.SiloAddress, next);
    }

    [Fact]
    public async Task Replicas_OverSilosOfOneKind_AreSpreadEvenly()
    {
        await using var cluster = await LearningCluster.Start(3);
        await LearningCluster.Persist(() => cluster.Learner.Ingest(LearningCluster.Articles(0, 30), Cancellation));
        await cluster.Settled(30);
        await LearningCluster.Eventually(async () => (await Places(cluster))["ReplicaGrain"].Distinct().Count() == 3, "a replica on each silo");
    }

    /// <summary>Gives the cluster work until its replicas are where they belong: a silo's device is known to the others a moment after it has joined.</summary>
    /// <param name="next">Number of the first article.</param>
    /// <returns>Number of the next article.</returns>
    private static async Task<int> AllReplicasOn(LearningCluster cluster, SiloAddress silo, int next = 0)
    {
        await LearningCluster.Eventually(async () =>
        {
            await LearningCluster.Persist(() => cluster.Learner.Ingest(LearningCluster.Articles(next, 6), Cancellation));
            next += 6;
            await cluster.Settled(next);
            return (await Places(cluster)).GetValueOrDefault("ReplicaGrain") is { } replicas && replicas.All(silo.Equals);
        }, "the replicas' way");
        return next;
    }

    private static Task<LearningCluster> Start(int silos, int gpu, int again = -1) => LearningCluster.Start(
        silos, parts: (number, own) => number == gpu || number == again ? own with { Role = SiloRole.Gpu, Device = Device } : own,
        grains: new GrainOptions { ReplicaDevice = Device }, mortal: true);

    private static async Task<Dictionary<string, List<SiloAddress>>> Places(LearningCluster cluster)
    {
        var statistics = await LearningCluster.Persist(() => cluster.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics());
        return statistics.Where(one => one.GrainType.Contains("RsrNet", StringComparison.Ordinal))
            .GroupBy(one => one.GrainType.Split(',')[0].Split('.')[^1])
            .ToDictionary(type => type.Key, type => type.Select(one => one.SiloAddress).ToList());
    }
}
