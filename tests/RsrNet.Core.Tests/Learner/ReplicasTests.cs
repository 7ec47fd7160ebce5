using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Learner;

/// <summary>A local learner with several replicas, in each mode.</summary>
public sealed class ReplicasTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<CoordinationMode> Modes => [.. Enum.GetValues<CoordinationMode>()];

    [Theory, MemberData(nameof(Modes))]
    public async Task Ingest_LabelledAndUnlabelled_AllFinishAndEachLabelledOneIsLearnedOnce(CoordinationMode mode)
    {
        var checkpoints = new MemoryCheckpoints();
        var store = new MemoryDocumentStore();
        await using var learner = await Open(store, checkpoints, Options(mode));
        learner.Start();
        await learner.Ingest([.. Enumerable.Range(0, 60).Select(i => i % 3 == 0 ? Unlabelled(i) : Labelled(i))], Cancellation);
        await Settled(learner, 60);

        var telemetry = await learner.ReadTelemetry(Cancellation);
        Assert.Equal(40, telemetry.Learned);
        var replicas = telemetry.Replicas.Where(replica => replica.Name.StartsWith("replica", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(replicas);
        // Those that share updates wait for each other; the others may be behind by as much as the bound.
        Assert.All(replicas, replica => Assert.InRange(replica.Staleness!.Value, 0, mode == CoordinationMode.Asynchronous ? 6 : 0));
        for (var i = 0; i < 60; i++)
        {
            var document = await learner.Find($"a{i}", Cancellation);
            Assert.Equal(i % 3 != 0, document!.LearnedAt is not null);
            Assert.Equal(i % 3 != 0, document.Trajectory.Points.Any(point => point.Loss is not null));
            var steps = document.Trajectory.Points.Select(point => point.Step).ToArray();
            Assert.Equal(steps.Order().Distinct(), steps);
        }
        await learner.DisposeAsync();
        Assert.Equal(telemetry.WeightVersion, (await checkpoints.LoadNewest(_ => { }, Cancellation))!.Version);
        Assert.All(await store.ReadLearned(100, Cancellation), document => Assert.InRange(document.LearnedAt!.Value, 1, telemetry.WeightVersion));
    }

    [Theory]
    [InlineData(CoordinationMode.Synchronous, 3)]
    [InlineData(CoordinationMode.LocalSteps, 6)] // two batches for the first replica, one for the second: the version counts the longer way
    public async Task Learn_SameArticlesAndSeed_GivesTheSameWeights(CoordinationMode mode, int version)
    {
        var first = await WeightsAfterLearning(Options(mode));
        var second = await WeightsAfterLearning(Options(mode));
        Assert.Equal(first.Weights.Parameters, second.Weights.Parameters);
        Assert.Equal(first.Weights.Statistics, second.Weights.Statistics);
        Assert.Equal(version, first.Version);
    }

    [Fact]
    public async Task Learn_Synchronous_SharesTheBatchAmongTheReplicas()
    {
        var shared = await WeightsAfterLearning(Options(CoordinationMode.Synchronous));
        var alone = await WeightsAfterLearning(Options(CoordinationMode.Synchronous) with
        {
            Coordination = Options(CoordinationMode.Synchronous).Coordination with { Replicas = 1 },
        });
        // The same updates, but each share has batch statistics of its own.
        Assert.Equal(alone.Version, shared.Version);
        Assert.NotEqual(alone.Weights.Parameters, shared.Weights.Parameters);
        Assert.Equal(alone.Weights.BatchesTracked, shared.Weights.BatchesTracked);
    }

    [Fact]
    public async Task Learn_LocalStepsWithAnotherPeriod_GivesOtherWeights()
    {
        var options = Options(CoordinationMode.LocalSteps);
        var often = await WeightsAfterLearning(options with { Coordination = options.Coordination with { AveragingPeriod = 1 } });
        var seldom = await WeightsAfterLearning(options);
        Assert.NotEqual(often.Weights.Parameters, seldom.Weights.Parameters);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Ingest_OneLabelledArticleAlone_IsLearnedTogetherWithTheNext(CoordinationMode mode)
    {
        await using var learner = await Open(new MemoryDocumentStore(), null, Options(mode));
        learner.Start();
        await learner.Ingest([Labelled(1)], Cancellation);
        await Settled(learner, 1);
        Assert.Equal(0, (await learner.ReadTelemetry(Cancellation)).WeightVersion);

        await learner.Ingest([Labelled(2)], Cancellation);
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 2);
        Assert.Equal(3, (await learner.ReadTelemetry(Cancellation)).WeightVersion);

        await learner.Ingest([Labelled(3)], Cancellation);
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 3);
        Assert.Equal(6, (await learner.ReadTelemetry(Cancellation)).WeightVersion);
    }

    [Fact]
    public async Task Asynchronous_OneReplicaHangs_TheOthersGoOnAndTheCheckpointsToo()
    {
        using var hang = new ManualResetEventSlim();
        var hung = 0;
        var checkpoints = new MemoryCheckpoints();
        var store = new MemoryDocumentStore();
        var options = Options(CoordinationMode.Asynchronous);
        await using var learner = await LocalLearner.Open(
            // Full batches only, however slowly documents come.
            options with { Coordination = options.Coordination with { BatchWaitMs = 3_600_000 } }, new TinyEncoder(), store, checkpoints,
            (shape, recursion) => new HangingEngine(new ReferenceEngine(shape, recursion), () => Interlocked.Increment(ref hung) == 1, hang),
            cancellation: Cancellation);
        learner.Start();
        await learner.Ingest([.. Enumerable.Range(0, 80).Select(Labelled)], Cancellation);

        // All but the batch of the one that hangs, which had not begun.
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 76);
        await Eventually(async () => await learner.ReadTelemetry(Cancellation) is { } telemetry && telemetry.CheckpointVersion == telemetry.WeightVersion);

        hang.Set();
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 80);
        // Its first gradient was of weights from long ago; on a busy machine it may not be the only one.
        Assert.InRange((await learner.ReadTelemetry(Cancellation)).StaleGradients, 1, 100);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Reopen_AfterACrash_NoUpdateOfACheckpointIsAppliedTwiceAndNoneIsMissing(CoordinationMode mode)
    {
        var checkpoints = new MemoryCheckpoints();
        var store = new MemoryDocumentStore();
        var crashed = await Open(store, checkpoints, Options(mode));
        await crashed.Ingest([.. Enumerable.Range(0, 24).Select(Labelled)], Cancellation);
        await crashed.Learn([.. Enumerable.Range(0, 12).Select(i => $"a{i}")], Cancellation);
        await crashed.SaveWeights(Cancellation);
        await crashed.Learn([.. Enumerable.Range(12, 12).Select(i => $"a{i}")], Cancellation);
        // No disposal: the process is gone.

        var warnings = new List<string>();
        await using var learner = await LocalLearner.Open(
            Options(mode), new TinyEncoder(), store, checkpoints, warn: warnings.Add, cancellation: Cancellation);
        Assert.Contains(warnings, warning => warning.StartsWith("12 documents", StringComparison.Ordinal));
        learner.Start();
        await Settled(learner, 24);
        Assert.Equal(12, (await learner.ReadTelemetry(Cancellation)).Learned);
    }

    [Fact]
    public async Task Started_ManyUpdates_NeverRunsFurtherAheadOfTheCheckpointThanTheBound()
    {
        var options = Options(CoordinationMode.Asynchronous);
        await using var learner = await Open(new MemoryDocumentStore(), new MemoryCheckpoints(), options);
        learner.Start();
        await learner.Ingest([.. Enumerable.Range(0, 200).Select(Labelled)], Cancellation);
        long ahead = 0;
        await Eventually(async () =>
        {
            var telemetry = await learner.ReadTelemetry(Cancellation);
            ahead = Math.Max(ahead, telemetry.WeightVersion - telemetry.CheckpointVersion);
            return telemetry.Learned == 200;
        });
        Assert.InRange(ahead, 0, options.Weights.CheckpointUpdates);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ImportWeights_WhileLearning_IsTheNextVersionAndLearningGoesOn(CoordinationMode mode)
    {
        await using var learner = await Open(new MemoryDocumentStore(), new MemoryCheckpoints(), Options(mode));
        // Weights that never saw a batch: their running statistics are not these articles', so a document may well fail under them; all end somehow.
        var other = (await learner.FindWeights(null, Cancellation))!;
        learner.Start();
        await learner.Ingest([.. Enumerable.Range(0, 100).Select(Labelled)], Cancellation);
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).WeightVersion > 5);
        var version = await learner.ImportWeights(other, Cancellation);
        // Those above may all have been learned by now; these come after the import for certain.
        await learner.Ingest([.. Enumerable.Range(100, 20).Select(Labelled)], Cancellation);
        await Settled(learner, 120);
        Assert.Equal(120, (await learner.ReadTelemetry(Cancellation)).Learned);
        Assert.True((await learner.ReadTelemetry(Cancellation)).WeightVersion > version);
    }

    private static async Task<Checkpoint> WeightsAfterLearning(RsrNetOptions options)
    {
        await using var learner = await Open(new MemoryDocumentStore(), null, options);
        await learner.Ingest([.. Enumerable.Range(0, 12).Select(Labelled)], Cancellation);
        await learner.Learn([.. Enumerable.Range(0, 12).Select(i => $"a{i}")], Cancellation);
        return (await learner.FindWeights(null, Cancellation))!;
    }

    private static RsrNetOptions Options(CoordinationMode mode) => new()
    {
        Learning = LearningMode.Notebook,
        Replicas = new RecursionOptions { Hidden = 8, Latent = 4, StopConfidence = 2 },
        Coordination = new CoordinationOptions
        {
            BatchSize = 4, MinimumBatch = 2, BatchWaitMs = 5, Replicas = mode == CoordinationMode.LocalSteps ? 2 : 3, Mode = mode, AveragingPeriod = 2, StalenessBound = 6,
        },
        Documents = new DocumentOptions { MaxSteps = 8, RefineBatch = 8, RefreshWhenIdle = false },
        Weights = new WeightOptions { CheckpointUpdates = 24, CheckpointSeconds = 5 },
    };

    private static Article Labelled(int i) =>
        new($"a{i}", $"the story {i} tells of town {i * 7} and of river {i * 13}") { Highlights = [$"story {i} of town {i * 7}"] };

    private static Article Unlabelled(int i) => new($"a{i}", $"a plain report {i} about hill {i * 5} without a summary");

    private static Task<LocalLearner> Open(IDocumentStore store, ICheckpointStore? checkpoints, RsrNetOptions options) =>
        LocalLearner.Open(options, new TinyEncoder(), store, checkpoints, cancellation: Cancellation);

    private static Task Settled(LocalLearner learner, int documents) => Eventually(async () =>
        await learner.List(new DocumentQuery(Limit: 1000), Cancellation) is { } page
        && page.Items.Count == documents
        && page.Items.All(item => item.Status is DocumentStatus.Converged or DocumentStatus.Exhausted or DocumentStatus.Failed));

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        // Five minutes are a hang, not a bound on speed.
        for (var tries = 0; tries < 30_000; tries++)
        {
            if (await condition()) return;
            await Task.Delay(10, Cancellation);
        }
        Assert.Fail("it did not come to that in five minutes");
    }
}
