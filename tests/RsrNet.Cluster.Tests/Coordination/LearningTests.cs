using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Learner;
using RsrNet.Core.Weights;
using RsrNet.Grains.Coordination;

namespace RsrNet.Cluster.Tests.Coordination;

/// <summary>Learning over several silos in each mode.</summary>
public sealed class LearningTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Article[] Stories { get; } = [.. Enumerable.Range(0, 24).Select(LearningCluster.Labelled)];

    /// <summary>
    /// With the same batches shared out in the same way, weights, moments and running statistics are those of one process, bit for bit, where every silo has
    /// one replica: the sums are the same, in the same order. Where a silo adds up its own replicas first, the order differs, and the last digits with it;
    /// Adam divides by the root of the squared gradient, so where that is all rounding, so is the step.
    /// </summary>
    [Theory]
    [InlineData(3, 0)]
    [InlineData(1, 1e-3)]
    [InlineData(2, 1e-3)]
    public async Task Synchronous_SameBatches_GivesTheLocalLearnersWeights(int silos, double tolerance)
    {
        var options = LearningCluster.InFullBatches(LearningCluster.SmallOptions);
        var expected = await LocalWeights(options);
        await using var cluster = await LearningCluster.Start(silos, options);
        await cluster.Learner.Ingest(Stories, Cancellation);
        await cluster.Settled(Stories.Length);

        var actual = (await cluster.Learner.FindWeights(null, Cancellation))!;

        Assert.Equal(12, actual.Version);
        Assert.Equal(expected.Version, actual.Version);
        Assert.Equal(expected.Weights.BatchesTracked, actual.Weights.BatchesTracked);
        AssertNear(expected.Weights.Parameters, actual.Weights.Parameters, tolerance);
        AssertNear(expected.Weights.Statistics, actual.Weights.Statistics, tolerance);
        AssertNear(expected.Optimizer!.Mean, actual.Optimizer!.Mean, tolerance);
    }

    [Fact]
    public async Task LocalSteps_SameBatches_GivesTheLocalLearnersWeights()
    {
        var options = LearningCluster.InFullBatches(LearningCluster.SmallOptions);
        options = options with { Coordination = options.Coordination with { Mode = CoordinationMode.LocalSteps, AveragingPeriod = 2, Replicas = 2 } };
        var expected = await LocalWeights(options);
        await using var cluster = await LearningCluster.Start(2, options);
        await cluster.Learner.Ingest(Stories, Cancellation);
        await cluster.Settled(Stories.Length);
        var actual = (await cluster.Learner.FindWeights(null, Cancellation))!;
        Assert.Equal(6, actual.Version); // two batches of three steps for each replica
        Assert.Equal(expected.Weights.Parameters, actual.Weights.Parameters);
        Assert.Equal(expected.Weights.Statistics, actual.Weights.Statistics);
    }

    [Theory]
    [InlineData(CoordinationMode.Synchronous)]
    [InlineData(CoordinationMode.Asynchronous)]
    [InlineData(CoordinationMode.LocalSteps)]
    public async Task Learn_AnyMode_EachLabelledDocumentOnce(CoordinationMode mode)
    {
        var store = new RecordingStore(new MemoryDocumentStore());
        var options = LearningCluster.SmallOptions;
        options = options with { Coordination = options.Coordination with { Mode = mode, AveragingPeriod = 2 } };
        await using var cluster = await LearningCluster.Start(3, options, store);
        await cluster.Learner.Ingest(LearningCluster.Articles(0, 90), Cancellation);
        await cluster.Settled(90);
        Assert.Equal(60, (await cluster.Learner.ReadTelemetry(Cancellation)).Learned);
        Assert.Empty(store.Twice);
        Assert.Equal(60, (await store.ReadLearned(100, Cancellation)).Count);
    }

    [Fact]
    public async Task Synchronous_InBFloat16_LearnsNearlyTheSame()
    {
        var options = LearningCluster.InFullBatches(LearningCluster.SmallOptions);
        var exact = await LocalWeights(options);
        options = options with { Coordination = options.Coordination with { GradientPrecision = GradientPrecision.BFloat16 } };
        var expected = await LocalWeights(options);
        await using var cluster = await LearningCluster.Start(3, options);
        await cluster.Learner.Ingest(Stories, Cancellation);
        await cluster.Settled(Stories.Length);
        var actual = (await cluster.Learner.FindWeights(null, Cancellation))!;
        Assert.Equal(expected.Weights.Parameters, actual.Weights.Parameters);
        Assert.NotEqual(exact.Weights.Parameters, actual.Weights.Parameters);
    }

    [Fact]
    public async Task Asynchronous_OneReplicaHangs_TheOthersGoOnAndTheCheckpointsToo()
    {
        using var hang = new ManualResetEventSlim();
        var hung = 0;
        var options = LearningCluster.InFullBatches(LearningCluster.SmallOptions);
        options = options with { Coordination = options.Coordination with { Mode = CoordinationMode.Asynchronous, BatchSize = 4, StalenessBound = 6 } };
        await using var cluster = await LearningCluster.Start(3, options, parts: (_, own) => own with
        {
            Engine = (shape, recursion) => new HangingEngine(new ReferenceEngine(shape, recursion), () => Interlocked.Increment(ref hung) == 1, hang),
        });
        await cluster.Learner.Ingest([.. Enumerable.Range(0, 80).Select(LearningCluster.Labelled)], Cancellation);

        await LearningCluster.Eventually(async () => (await cluster.Learner.ReadTelemetry(Cancellation)).Learned == 76, "all but the batch of the one that hangs");
        await LearningCluster.Eventually(
            async () => await cluster.Learner.ReadTelemetry(Cancellation) is { } telemetry && telemetry.CheckpointVersion == telemetry.WeightVersion, "the checkpoint");

        hang.Set();
        await LearningCluster.Eventually(async () => (await cluster.Learner.ReadTelemetry(Cancellation)).Learned == 80, "the last batch");
        Assert.InRange((await cluster.Learner.ReadTelemetry(Cancellation)).StaleGradients, 1, 100);
    }

    [Fact]
    public async Task Contribute_OfAnOlderTermOrWithoutASeat_IsLate()
    {
        await using var cluster = await LearningCluster.Start(1);
        var coordinator = cluster.Client.GetGrain<ICoordinatorGrain>(0);
        var current = await coordinator.ReadWeights(0);
        var contribution = new Contribution
        {
            Term = current.Term - 1, BaseVersion = 0, Parts = [new ContributionPart(0, 1, 2, 1, 0.5f, 0.5)],
            Values = new float[current.Weights.Parameters.Length], Statistics = current.Weights.Statistics, Calls = 12,
        };
        Assert.Equal(Reception.Late, (await coordinator.Contribute(contribution)).Reception);
        Assert.Equal(Reception.Late, (await coordinator.Contribute(contribution with { Term = current.Term })).Reception);
        Assert.Equal(0, (await coordinator.ReadWeights(0)).Version);
    }

    private static async Task<Checkpoint> LocalWeights(RsrNetOptions options)
    {
        await using var local = await LocalLearner.Open(options, new TinyEncoder(), new MemoryDocumentStore(), null, cancellation: Cancellation);
        await local.Ingest(Stories, Cancellation);
        local.Start();
        await LearningCluster.Settled(local, Stories.Length);
        return (await local.FindWeights(null, Cancellation))!;
    }

    private static void AssertNear(float[] expected, float[] actual, double tolerance)
    {
        if (tolerance == 0)
        {
            Assert.Equal(expected, actual);
            return;
        }
        double difference = 0, norm = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)expected[i] - actual[i], 2);
            norm += (double)expected[i] * expected[i];
        }
        Assert.InRange(Math.Sqrt(difference / norm), 0, tolerance);
    }
}
