using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Learner;

public sealed class LocalLearnerTests
{
    private static readonly RsrNetOptions Options = new()
    {
        Learning = LearningMode.Notebook,
        Replicas = new RecursionOptions { Hidden = 8, Latent = 4, StopConfidence = 2 },
        Coordination = new CoordinationOptions { BatchSize = 4, BatchWaitMs = 5 },
        Documents = new DocumentOptions { MaxSteps = 8, RefineBatch = 8, RefreshSettleSeconds = 0.05 },
        Weights = new WeightOptions { CheckpointUpdates = 12, CheckpointSeconds = 5 },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ingest_LabelledAndUnlabelled_AllFinishAndTheLabelledAreLearned()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest(Articles(0, 11), Cancellation);
        await Settled(learner, 11);

        // The counts may be half a second old.
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Documents is { Unfinished: 0, Total: 11 });
        var telemetry = await learner.ReadTelemetry(Cancellation);
        Assert.Equal(11, telemetry.Documents.Converged + telemetry.Documents.Exhausted);
        Assert.Equal(7, telemetry.Learned);
        Assert.NotNull(telemetry.Loss);
        Assert.NotNull(telemetry.PrequentialSimilarity);
        var labelled = await learner.Find("a1", Cancellation);
        Assert.NotNull(labelled!.LearnedAt);
        Assert.NotNull(labelled.State!.Loss);
        Assert.Contains(labelled.Trajectory.Points, point => point.Loss is not null);
        var unlabelled = await learner.Find("a0", Cancellation);
        Assert.Null(unlabelled!.LearnedAt);
        Assert.True(unlabelled.State!.Step > 0);
    }

    [Fact]
    public async Task Ingest_OneLabelledArticleAlone_IsLearnedTogetherWithTheNext()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest([Labelled(1)], Cancellation);
        await Settled(learner, 1);
        Assert.Equal(0, (await learner.ReadTelemetry(Cancellation)).WeightVersion);

        await learner.Ingest([Labelled(2)], Cancellation);
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 2);
        Assert.Equal(3, (await learner.ReadTelemetry(Cancellation)).WeightVersion);

        // The third is alone again: it is joined by one that was learned before, which is not counted twice.
        await learner.Ingest([Labelled(3)], Cancellation);
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 3);
        Assert.Equal(6, (await learner.ReadTelemetry(Cancellation)).WeightVersion);
    }

    [Fact]
    public async Task Learn_SameArticlesAndSeed_GivesTheSameWeights()
    {
        var first = await WeightsAfterLearning();
        var second = await WeightsAfterLearning();
        Assert.Equal(first, second);

        static async Task<float[]> WeightsAfterLearning()
        {
            await using var learner = await Open(new MemoryDocumentStore(), null);
            await learner.Ingest(Articles(0, 12), Cancellation);
            await learner.Learn(["a1", "a2", "a4"], Cancellation);
            await learner.Learn(["a5", "a7"], Cancellation);
            return (await learner.FindWeights(null, Cancellation))!.Weights.Parameters;
        }
    }

    [Fact]
    public async Task Learn_SeveralEpochs_LossFalls()
    {
        await using var learner = await Open(new MemoryDocumentStore(), null);
        await learner.Ingest([.. Enumerable.Range(0, 8).Select(Labelled)], Cancellation);
        string[] ids = [.. Enumerable.Range(0, 8).Select(i => $"a{i}")];
        var first = await learner.Learn(ids, Cancellation);
        for (var epoch = 0; epoch < 40; epoch++) await learner.Learn(ids, Cancellation);
        var last = await learner.Learn(ids, Cancellation);
        Assert.True(last.Loss < 0.8 * first.Loss, $"{first.Loss} fell to {last.Loss} only");
    }

    [Fact]
    public async Task Refine_ConvergedDocument_GoesOnFromItsState()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest([Unlabelled(0)], Cancellation);
        await Settled(learner, 1);
        var before = await learner.Find("a0", Cancellation);

        var after = await learner.Refine("a0", new RefineRequest(Steps: 5), Cancellation);

        Assert.Equal(before!.State!.Step + 5, after!.State!.Step);
        Assert.True(after.State.ResidualY < 0.5, "a warm start is near the fixed point");
    }

    [Fact]
    public async Task Refine_UnknownDocument_GivesNull()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        Assert.Null(await learner.Refine("nobody", new RefineRequest(), Cancellation));
    }

    [Fact]
    public async Task Watch_WhileRefining_GivesEachStepInOrder()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest([Unlabelled(0)], Cancellation);
        await Settled(learner, 1);
        await using var points = learner.Watch("a0", Cancellation).GetAsyncEnumerator(Cancellation);
        // From here on it is watched: the stream begins before it first waits.
        var next = points.MoveNextAsync().AsTask();
        for (var i = 0; i < 3; i++) await learner.Refine("a0", new RefineRequest(Steps: 1), Cancellation);
        var steps = new List<int>();
        while (steps.Count < 3)
        {
            Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
            steps.Add(points.Current.Step);
            if (steps.Count < 3) next = points.MoveNextAsync().AsTask();
        }
        Assert.Equal([steps[0], steps[0] + 1, steps[0] + 2], steps);
    }

    [Fact]
    public async Task Delete_LearnedDocument_IsGoneFromStoreAndSearch()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest(Articles(0, 6), Cancellation);
        await Settled(learner, 6);
        // The search index follows the store's commit; it does not lead it.
        await Eventually(async () => (await Hits()).Any(hit => hit.Id == "a1"));

        Assert.True(await learner.Delete("a1", Cancellation));

        Assert.Null(await learner.Find("a1", Cancellation));
        Assert.DoesNotContain(await Hits(), hit => hit.Id == "a1");
        Assert.False(await learner.Delete("a1", Cancellation));

        async Task<IReadOnlyList<SearchHit>> Hits() => (await learner.Search(new SearchQuery("story 1", null, 10), Cancellation))!;
    }

    [Fact]
    public async Task Ingest_ChangedContent_RefinesTheNewRevisionFromTheStart()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest([Unlabelled(0)], Cancellation);
        await Settled(learner, 1);
        var outcome = (await learner.Ingest([new Article("a0", "an entirely other text")], Cancellation))[0];
        Assert.Equal(2, outcome.Revision);
        await Eventually(async () => await learner.Find("a0", Cancellation) is { IsFinished: true, Revision: 2 });
        Assert.Contains("other", (await learner.Find("a0", Cancellation))!.Article.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingest_TextTheEncoderRefuses_FailsThatDocumentAlone()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest([new Article("bad", "quite unreadable text"), Unlabelled(0)], Cancellation);
        await Settled(learner, 2);
        var failed = await learner.Find("bad", Cancellation);
        Assert.Equal(DocumentStatus.Failed, failed!.Status);
        Assert.Contains("no such letters", failed.Failure, StringComparison.Ordinal);
        Assert.True((await learner.Find("a0", Cancellation))!.State!.Step > 0);
    }

    [Fact]
    public async Task Ingest_BacklogFull_IsRefusedAndStoresNothing()
    {
        var store = new MemoryDocumentStore();
        await using var learner = await Open(store, null, Options with { Articles = new ArticleLimits { Backlog = 4 } });
        await learner.Ingest(Articles(0, 4), Cancellation);
        await Assert.ThrowsAsync<BacklogFullException>(() => learner.Ingest([Labelled(9)], Cancellation));
        Assert.Null(await store.Find("a9", Cancellation));
    }

    [Fact]
    public async Task Reopen_AfterACrash_LearnsAnewWhatTheCheckpointDoesNotHold()
    {
        var checkpoints = new MemoryCheckpoints();
        var store = new MemoryDocumentStore();
        var crashed = await Open(store, checkpoints);
        await crashed.Ingest([.. Enumerable.Range(0, 8).Select(Labelled)], Cancellation);
        await crashed.Learn(["a0", "a1", "a2", "a3"], Cancellation);
        await crashed.SaveWeights(Cancellation);
        await crashed.Learn(["a4", "a5", "a6", "a7"], Cancellation);
        Assert.Equal(6, (await store.Find("a4", Cancellation))!.LearnedAt);
        // No disposal: the process is gone, its last three updates with it.

        var warnings = new List<string>();
        await using var learner = await LocalLearner.Open(
            Options, new TinyEncoder(), store, checkpoints, warn: warnings.Add, cancellation: Cancellation);
        Assert.Equal(3, (await learner.ReadTelemetry(Cancellation)).WeightVersion);
        Assert.Contains(warnings, warning => warning.StartsWith("4 documents", StringComparison.Ordinal));
        learner.Start();
        await Settled(learner, 8);
        Assert.Equal(4, (await learner.ReadTelemetry(Cancellation)).Learned);
        Assert.Equal(3, (await store.Find("a0", Cancellation))!.LearnedAt);
    }

    [Fact]
    public async Task Started_ManyUpdates_NeverRunsFurtherAheadOfTheCheckpointThanTheBound()
    {
        var checkpoints = new MemoryCheckpoints();
        await using var learner = await Started(new MemoryDocumentStore(), checkpoints);
        await learner.Ingest([.. Enumerable.Range(0, 200).Select(Labelled)], Cancellation);
        long ahead = 0;
        await Eventually(async () =>
        {
            var telemetry = await learner.ReadTelemetry(Cancellation);
            ahead = Math.Max(ahead, telemetry.WeightVersion - telemetry.CheckpointVersion);
            return telemetry.Learned == 200;
        });
        // A batch's supervision steps are not parted, so the bound may be passed by what is left of one batch.
        Assert.InRange(ahead, 0, Options.Weights.CheckpointUpdates + Options.Replicas.SupervisionSteps - 1);
        await learner.DisposeAsync();
        var checkpoint = await checkpoints.LoadNewest(_ => { }, Cancellation);
        Assert.Equal(150, checkpoint!.Version);
    }

    [Fact]
    public async Task Reopen_WithAnotherEncoder_IsRefusedAndSaysTheWayOut()
    {
        var store = new MemoryDocumentStore();
        await using (await Open(store, null))
        {
        }
        var refused = await Assert.ThrowsAsync<WeightsRejectedException>(() =>
            LocalLearner.Open(Options, new TinyEncoder("other-16"), store, null, cancellation: Cancellation));
        Assert.Contains("tiny-16", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RestoreWeights_EarlierVersion_BecomesCurrentUnderANewNumber()
    {
        var checkpoints = new MemoryCheckpoints();
        await using var learner = await Open(new MemoryDocumentStore(), checkpoints);
        await learner.Ingest([.. Enumerable.Range(0, 4).Select(Labelled)], Cancellation);
        await learner.Learn(["a0", "a1"], Cancellation);
        await learner.SaveWeights(Cancellation);
        var kept = (await learner.FindWeights(3, Cancellation))!.Weights.Parameters;
        await learner.Learn(["a2", "a3"], Cancellation);

        Assert.Equal(7, await learner.RestoreWeights(3, Cancellation));

        Assert.Equal(kept, (await learner.FindWeights(null, Cancellation))!.Weights.Parameters);
        Assert.Equal(7, (await learner.ListWeights(Cancellation))[0].Version);
        Assert.Null(await learner.RestoreWeights(99, Cancellation));
    }

    [Fact]
    public async Task ImportWeights_NotANumber_IsRefusedAndChangesNothing()
    {
        var checkpoints = new MemoryCheckpoints();
        await using var learner = await Open(new MemoryDocumentStore(), checkpoints);
        var weights = (await learner.FindWeights(null, Cancellation))!;
        weights.Weights.Parameter("fc2.weight")[5] = float.NaN;
        var refused = await Assert.ThrowsAsync<WeightsRejectedException>(() => learner.ImportWeights(weights, Cancellation));
        Assert.Contains("fc2.weight", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await learner.ReadTelemetry(Cancellation)).WeightVersion);
    }

    [Fact]
    public async Task DiskFull_WhileLearning_WaitsAndLosesNothing()
    {
        var store = new FailingStore(new MemoryDocumentStore());
        await using var learner = await Started(store);
        await learner.Ingest(Articles(0, 6), Cancellation);
        store.DiskIsFull = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => learner.Ingest([Labelled(50)], Cancellation));
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Problem is { } problem && problem.Contains("disk is full", StringComparison.Ordinal));
        store.DiskIsFull = false;
        await learner.Ingest([Labelled(50)], Cancellation);
        await Settled(learner, 7);
        await Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Problem is null);
    }

    [Fact]
    public async Task Idle_AfterNewWeights_BringsEveryDocumentToThem()
    {
        await using var learner = await Started(new MemoryDocumentStore());
        await learner.Ingest([Unlabelled(0)], Cancellation);
        await Settled(learner, 1);
        await learner.Ingest([.. Enumerable.Range(1, 4).Select(Labelled)], Cancellation);
        await Eventually(async () => (await learner.Find("a0", Cancellation))!.State!.WeightVersion == 3);
    }

    private static Article Labelled(int i) =>
        new($"a{i}", $"the story {i} tells of town {i * 7} and of river {i * 13}") { Highlights = [$"story {i} of town {i * 7}"] };

    private static Article Unlabelled(int i) => new($"a{i}", $"a plain report {i} about hill {i * 5} without a summary");

    /// <summary>Every third one without highlights.</summary>
    private static Article[] Articles(int first, int count) =>
        [.. Enumerable.Range(first, count).Select(i => i % 3 == 0 ? Unlabelled(i) : Labelled(i))];

    private static Task<LocalLearner> Open(IDocumentStore store, ICheckpointStore? checkpoints, RsrNetOptions? options = null) =>
        LocalLearner.Open(options ?? Options, new TinyEncoder(), store, checkpoints, cancellation: Cancellation);

    private static async Task<LocalLearner> Started(IDocumentStore store, ICheckpointStore? checkpoints = null)
    {
        var learner = await Open(store, checkpoints);
        learner.Start();
        return learner;
    }

    private static Task Settled(LocalLearner learner, int documents) => Eventually(async () =>
        await learner.List(new DocumentQuery(Limit: 1000), Cancellation) is { } page
        && page.Items.Count == documents
        && page.Items.All(item => item.Status is DocumentStatus.Converged or DocumentStatus.Exhausted or DocumentStatus.Failed));

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        // Half a minute is a hang, not a bound on speed.
        for (var tries = 0; tries < 3000; tries++)
        {
            if (await condition()) return;
            await Task.Delay(10, Cancellation);
        }
        Assert.Fail("it did not come to that in half a minute");
    }
}
