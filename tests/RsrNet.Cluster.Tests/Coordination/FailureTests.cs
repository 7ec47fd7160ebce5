using Orleans.Runtime;
using Orleans.TestingHost;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Tests.Learner;
using RsrNet.Grains.Coordination;

namespace RsrNet.Cluster.Tests.Coordination;

/// <summary>Silos that die, coordinators that move.</summary>
public sealed class FailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(CoordinationMode.Synchronous, false)]
    [InlineData(CoordinationMode.Synchronous, true)]
    [InlineData(CoordinationMode.Asynchronous, false)]
    [InlineData(CoordinationMode.Asynchronous, true)]
    [InlineData(CoordinationMode.LocalSteps, false)]
    public async Task SiloKilled_WhileLearning_NoArticleIsLostAndNoneCountsTwice(CoordinationMode mode, bool withCoordinator)
    {
        var store = new RecordingStore(new MemoryDocumentStore());
        var options = LearningCluster.SmallOptions;
        options = options with { Coordination = options.Coordination with { Mode = mode, AveragingPeriod = 1 } };
        await using var cluster = await LearningCluster.Start(3, options, store, grains: new() { RescanSeconds = 2 }, mortal: true);
        await LearningCluster.Persist(() => cluster.Learner.Ingest(LearningCluster.Articles(0, 600), Cancellation));
        await LearningCluster.Eventually(async () => (await cluster.Learner.ReadTelemetry(Cancellation)).Learned >= 60, "a part of the learning");

        var coordinator = await cluster.SiloOf(cluster.Client.GetGrain<ICoordinatorGrain>(0));
        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos.First(silo => (silo == coordinator) == withCoordinator), Cancellation);

        await cluster.Settled(600);
        Assert.Empty(store.Twice);
        Assert.Equal(400, (await store.ReadLearned(1000, Cancellation)).Count);
        var unfinished = await store.Count(Cancellation);
        Assert.Equal((600, 0), (unfinished.Total, unfinished.Unfinished));
        // A killed coordinator falls back to its checkpoint, and the articles since are learned again; otherwise nothing is: it may have to move, where the silo
        // that knew its place is the one that died, but then in good order.
        if (withCoordinator) Assert.InRange(store.Unlearned.Count, 2, int.MaxValue);
        else Assert.Equal(0, store.Again);
        var telemetry = await LearningCluster.Persist(() => cluster.Learner.ReadTelemetry(Cancellation));
        if (withCoordinator) return;
        var current = (await LearningCluster.Persist(() => cluster.Learner.FindWeights(null, Cancellation)))!;
        Assert.Equal(telemetry.WeightVersion, current.Optimizer!.Step);
    }

    [Fact]
    public async Task CoordinatorKilled_WhileLearning_GoesOnFromItsCheckpoint()
    {
        var store = new RecordingStore(new MemoryDocumentStore());
        var checkpoints = new MemoryCheckpoints();
        await using var cluster = await LearningCluster.Start(3, store: store, checkpoints: checkpoints, mortal: true);
        var coordinator = cluster.Client.GetGrain<ICoordinatorGrain>(0);
        await LearningCluster.Persist(() => cluster.Learner.Ingest([.. Enumerable.Range(0, 300).Select(LearningCluster.Labelled)], Cancellation));
        await LearningCluster.Eventually(async () => (await cluster.Learner.ReadTelemetry(Cancellation)).CheckpointVersion >= 20, "a checkpoint");
        var before = await coordinator.ReadWeights(0);

        await cluster.Silos.KillSiloAsync(await cluster.SiloOf(coordinator), Cancellation);

        var after = await LearningCluster.Persist(() => coordinator.ReadWeights(0));
        Assert.True(after.Term > before.Term, "a new term has begun");
        // What it fell back to is a checkpoint, and no more than the bound was lost; it may have gone on for a while before it died.
        var restored = store.Unlearned.Max();
        Assert.NotNull(await checkpoints.Find(restored, Cancellation));
        Assert.InRange(restored, before.Version - cluster.Options.Weights.CheckpointUpdates, long.MaxValue);
        await cluster.Settled(300);
        Assert.Empty(store.Twice);
    }

    [Fact]
    public async Task CoordinatorMoves_InGoodOrder_LosesNothing()
    {
        var store = new RecordingStore(new MemoryDocumentStore());
        await using var cluster = await LearningCluster.Start(3, LearningCluster.InFullBatches(LearningCluster.SmallOptions), store, mortal: true);
        var coordinator = cluster.Client.GetGrain<ICoordinatorGrain>(0);
        await LearningCluster.Persist(() => cluster.Learner.Ingest([.. Enumerable.Range(0, 30).Select(LearningCluster.Labelled)], Cancellation));
        await cluster.Settled(30);
        var before = await coordinator.ReadWeights(0);
        Assert.Equal(15, before.Version);

        await cluster.Silos.StopSiloAsync(await cluster.SiloOf(coordinator), Cancellation);

        var after = await LearningCluster.Persist(() => coordinator.ReadWeights(0));
        Assert.True(after.Term > before.Term, "a new term has begun");
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Weights.Parameters, after.Weights.Parameters);
        await LearningCluster.Persist(() => cluster.Learner.Ingest([.. Enumerable.Range(30, 30).Select(LearningCluster.Labelled)], Cancellation));
        await cluster.Settled(60);
        Assert.Equal(30, (await coordinator.ReadWeights(0)).Version);
        Assert.Empty(store.Twice);
        Assert.Equal(60, (await store.ReadLearned(100, Cancellation)).Count);
    }

    [Fact]
    public async Task AllSilosGone_AndNewOnesOverTheSameStore_GoOnWhereTheyWere()
    {
        var store = new RecordingStore(new MemoryDocumentStore());
        var checkpoints = new MemoryCheckpoints();
        await using (var first = await LearningCluster.Start(2, store: store, checkpoints: checkpoints, mortal: true))
        {
            await first.Learner.Ingest(LearningCluster.Articles(0, 300), Cancellation);
            await LearningCluster.Eventually(async () => (await first.Learner.ReadTelemetry(Cancellation)).Learned >= 30, "a part of the learning");
            foreach (var silo in first.Silos.Silos.ToList()) await first.Silos.KillSiloAsync(silo, Cancellation);
        }

        await using var second = await LearningCluster.Start(2, store: store, checkpoints: checkpoints);
        await second.Settled(300);
        Assert.Empty(store.Twice);
        Assert.Equal(200, (await store.ReadLearned(1000, Cancellation)).Count);
        Assert.Equal(300, (await second.Learner.Search(new("town 35", null, 1000), Cancellation))!.Count);
    }
}
