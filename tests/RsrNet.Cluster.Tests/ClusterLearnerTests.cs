using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Tests.Learner;
using RsrNet.Core.Weights;
using RsrNet.Grains.Documents;

namespace RsrNet.Cluster.Tests;

/// <summary>What a user can do on one process can be done on a cluster, with the same answers.</summary>
public sealed class ClusterLearnerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ingest_LabelledAndUnlabelled_AllFinishAndTheLabelledAreLearned()
    {
        await using var cluster = await LearningCluster.Start(3);
        var learner = cluster.Learner;
        var outcomes = await learner.Ingest(LearningCluster.Articles(0, 30), Cancellation);
        Assert.Equal(30, outcomes.Count);
        Assert.All(outcomes, outcome => Assert.False(outcome.Duplicate));
        await cluster.Settled(30);

        await LearningCluster.Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Documents is { Unfinished: 0, Total: 30 });
        var telemetry = await learner.ReadTelemetry(Cancellation);
        Assert.Equal(30, telemetry.Accepted);
        Assert.Equal(20, telemetry.Learned);
        Assert.NotNull(telemetry.Loss);
        Assert.NotNull(telemetry.PrequentialSimilarity);
        Assert.Null(telemetry.Problem);
        for (var i = 0; i < 30; i++)
        {
            var document = await learner.Find($"a{i}", Cancellation);
            Assert.Equal(i % 3 != 0, document!.LearnedAt is not null);
            Assert.Equal(i % 3 != 0, document.Trajectory.Points.Any(point => point.Loss is not null));
            Assert.Equal(Enumerable.Range(1, document.State!.Step), document.Trajectory.Points.Select(point => point.Step));
        }
    }

    [Fact]
    public async Task Ingest_TheSameTwice_IsADuplicateAndChangedContentIsARevision()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        Assert.True((await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation))[0].Duplicate);

        var changed = (await learner.Ingest([new Article("a0", "an entirely other text")], Cancellation))[0];

        Assert.Equal((2, false), (changed.Revision, changed.Duplicate));
        await LearningCluster.Eventually(async () => await learner.Find("a0", Cancellation) is { IsFinished: true, Revision: 2 });
        Assert.Contains("other", (await learner.Find("a0", Cancellation))!.Article.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingest_OneLabelledArticleAlone_IsLearnedTogetherWithTheNext()
    {
        await using var cluster = await LearningCluster.Start(1);
        var learner = cluster.Learner;
        await learner.Ingest([LearningCluster.Labelled(1)], Cancellation);
        await cluster.Settled(1);
        Assert.Equal(0, (await learner.ReadTelemetry(Cancellation)).WeightVersion);

        await learner.Ingest([LearningCluster.Labelled(2)], Cancellation);
        await LearningCluster.Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 2);
        Assert.Equal(3, (await learner.ReadTelemetry(Cancellation)).WeightVersion);

        await learner.Ingest([LearningCluster.Labelled(3)], Cancellation);
        await LearningCluster.Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Learned == 3);
        Assert.Equal(6, (await learner.ReadTelemetry(Cancellation)).WeightVersion);
    }

    [Fact]
    public async Task Ingest_TextTheEncoderRefuses_FailsThatDocumentAlone()
    {
        await using var cluster = await LearningCluster.Start(2);
        await cluster.Learner.Ingest([new Article("bad", "quite unreadable text"), LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(2);
        var failed = await cluster.Learner.Find("bad", Cancellation);
        Assert.Equal(DocumentStatus.Failed, failed!.Status);
        Assert.Contains("no such letters", failed.Failure, StringComparison.Ordinal);
        Assert.True((await cluster.Learner.Find("a0", Cancellation))!.State!.Step > 0);
    }

    [Fact]
    public async Task Ingest_BacklogFull_IsRefusedAndSaysWhenToTryAgain()
    {
        await using var cluster = await LearningCluster.Start(1, LearningCluster.SmallOptions with { Articles = new ArticleLimits { Backlog = 4 } });
        var learner = cluster.Learner;
        var refused = await Assert.ThrowsAsync<BacklogFullException>(async () =>
        {
            for (var i = 0; ; i += 4) await learner.Ingest(LearningCluster.Articles(i, 4), Cancellation);
        });
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
        Assert.InRange(refused.Backlog, 4, long.MaxValue);
    }

    [Fact]
    public async Task Refine_ConvergedDocument_GoesOnFromItsState()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        var before = await learner.Find("a0", Cancellation);

        var after = await learner.Refine("a0", new RefineRequest(Steps: 5), Cancellation);

        Assert.Equal(before!.State!.Step + 5, after!.State!.Step);
        Assert.True(after.State.ResidualY < 0.5, "a warm start is near the fixed point");
        Assert.Null(await learner.Refine("nobody", new RefineRequest(), Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => learner.Refine("a0", new RefineRequest(Steps: 0), Cancellation));
    }

    [Fact]
    public async Task Watch_WhileRefining_GivesEachStepInOrder()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        var steps = new List<int>();
        var watching = Task.Run(async () =>
        {
            await foreach (var point in learner.Watch("a0", Cancellation))
            {
                steps.Add(point.Step);
                if (steps.Count >= 3) break;
            }
        }, Cancellation);
        await LearningCluster.Eventually(async () =>
        {
            await learner.Refine("a0", new RefineRequest(Steps: 1), Cancellation);
            return watching.IsCompleted;
        }, "three steps");
        await watching;
        Assert.Equal([steps[0], steps[0] + 1, steps[0] + 2], steps);
    }

    [Fact]
    public async Task Delete_LearnedDocument_IsGoneFromStoreAndSearchAndEndsItsWatchers()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest(LearningCluster.Articles(0, 12), Cancellation);
        await cluster.Settled(12);
        Assert.Contains(await Hits(), hit => hit.Id == "a1");
        var seen = 0;
        var watching = Task.Run(async () =>
        {
            await foreach (var _ in learner.Watch("a1", Cancellation)) Interlocked.Increment(ref seen);
        }, Cancellation);
        await LearningCluster.Eventually(async () =>
        {
            await learner.Refine("a1", new RefineRequest(), Cancellation);
            return Volatile.Read(ref seen) > 0;
        }, "a step");

        Assert.True(await learner.Delete("a1", Cancellation));

        Assert.Null(await learner.Find("a1", Cancellation));
        Assert.DoesNotContain(await Hits(), hit => hit.Id == "a1");
        Assert.False(await learner.Delete("a1", Cancellation));
        await learner.Ingest([LearningCluster.Labelled(1)], Cancellation);
        Assert.Equal(1, (await learner.Find("a1", Cancellation))!.Revision);
        await Ended(watching);

        async Task<IReadOnlyList<SearchHit>> Hits() => (await learner.Search(new SearchQuery("story 1", null, 10), Cancellation))!;
    }

    [Fact]
    public async Task Watch_OfADocumentThatWentWhileNobodyLooked_Ends()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        var before = (await learner.Find("a0", Cancellation))!;
        await learner.Delete("a0", Cancellation);
        var grain = cluster.Client.GetGrain<IDocumentGrain>("a0");
        await foreach (var step in grain.Watch(before.Sequence, before.Revision, before.State!.Step, Cancellation)) Assert.Fail($"a step {step.Step} of nothing");
        Assert.Null(await learner.Find("a0", Cancellation));

        // The same id again is another document, whoever followed the one before.
        await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        Assert.Equal(1, (await learner.Find("a0", Cancellation))!.Revision);
        await foreach (var step in grain.Watch(before.Sequence, before.Revision, before.State!.Step, Cancellation)) Assert.Fail($"a step {step.Step} of another document");
        await foreach (var step in learner.Watch("nobody", Cancellation)) Assert.Fail($"a step {step.Step} of nobody");
    }

    [Fact]
    public async Task Watch_OverANewRevision_GoesOn()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        var before = (await learner.Find("a0", Cancellation))!;
        await learner.Ingest([new Article("a0", "an entirely other text")], Cancellation);
        await LearningCluster.Eventually(async () => await learner.Find("a0", Cancellation) is { IsFinished: true, Revision: 2 });
        var grain = cluster.Client.GetGrain<IDocumentGrain>("a0");
        var seen = 0;
        var watching = Task.Run(async () =>
        {
            await foreach (var _ in grain.Watch(before.Sequence, before.Revision, before.State!.Step, Cancellation)) Interlocked.Increment(ref seen);
        }, Cancellation);
        await LearningCluster.Eventually(async () =>
        {
            await learner.Refine("a0", new RefineRequest(), Cancellation);
            return Volatile.Read(ref seen) > 0;
        }, "a step");
        await learner.Delete("a0", Cancellation);
        await Ended(watching);
    }

    [Fact]
    public async Task Watch_AfterStepsThatTheFollowerDoesNotKnow_GivesThemFirst()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        var before = (await learner.Find("a0", Cancellation))!;
        await learner.Refine("a0", new RefineRequest(Steps: 2), Cancellation);
        List<int> steps = [];
        await foreach (var step in cluster.Client.GetGrain<IDocumentGrain>("a0").Watch(before.Sequence, before.Revision, before.State!.Step, Cancellation))
        {
            steps.Add(step.Step);
            if (steps.Count == 2) break;
        }
        Assert.Equal([before.State.Step + 1, before.State.Step + 2], steps);
    }

    [Fact]
    public async Task Refine_WithATimeLimit_AnswersAfterOneStepAtLeast()
    {
        await using var cluster = await LearningCluster.Start(1);
        await cluster.Learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        var before = (await cluster.Learner.Find("a0", Cancellation))!.State!.Step;
        var after = await cluster.Learner.Refine("a0", new RefineRequest(Steps: 100_000, TimeLimit: TimeSpan.FromTicks(1)), Cancellation);
        Assert.Equal(before + 1, after!.State!.Step);
    }

    [Fact]
    public async Task Amend_HighlightsAndLabelsThatComeLate_AreScoredAndLearned()
    {
        await using var cluster = await LearningCluster.Start(2);
        var learner = cluster.Learner;
        await learner.Ingest(LearningCluster.Articles(0, 12), Cancellation);
        await cluster.Settled(12);
        var before = (await learner.Find("a3", Cancellation))!;
        Assert.Null(before.LearnedAt);

        var outcome = await learner.Amend("a3", new Amendment(["hill 15 is plain"], new Dictionary<string, string> { ["topic"] = "hills" }), Cancellation);

        Assert.Equal((2, false), (outcome!.Value.Put.Revision, outcome.Value.Put.Duplicate));
        Assert.NotNull(outcome.Value.Similarity);
        await LearningCluster.Eventually(async () => await learner.Find("a3", Cancellation) is { IsFinished: true, LearnedAt: not null }, "the learning");
        var after = (await learner.Find("a3", Cancellation))!;
        Assert.True(after.State!.Step > before.State!.Step, "it goes on from the state that was foretold");
        Assert.Equal("hills", after.Article.Labels["topic"]);
        Assert.True((await learner.Amend("a3", new Amendment(["hill 15 is plain"], null), Cancellation))!.Value.Put.Duplicate);
        Assert.Null(await learner.Amend("nobody", new Amendment(["x"], null), Cancellation));
        await LearningCluster.Eventually(async () => (await learner.ReadMap(0, Cancellation)).Points.Any(point => point is { Item.Id: "a3", Label: not null }), "the label");
    }

    [Fact]
    public async Task Search_ByTextAndById_FindsWhatALocalLearnerFinds()
    {
        await using var cluster = await LearningCluster.Start(2);
        await cluster.Learner.Ingest(LearningCluster.Articles(0, 20), Cancellation);
        await cluster.Settled(20);
        // The same documents as the cluster left them, in one process.
        await using var local = await LocalLearner.Open(
            LearningCluster.SmallOptions, new TinyEncoder(), cluster.Store, null, cancellation: Cancellation);

        foreach (var query in (SearchQuery[])[new("town 35 and river", null, 7), new(null, "a4", 5)])
        {
            var expected = await local.Search(query, Cancellation);
            Assert.Equal(expected, await cluster.Learner.Search(query, Cancellation));
        }
        Assert.Null(await cluster.Learner.Search(new SearchQuery(null, "nobody"), Cancellation));
        var document = (await cluster.Learner.Find("a4", Cancellation))!;
        Assert.Equal((await local.Summarize(document, Cancellation)).Sentences, (await cluster.Learner.Summarize(document, Cancellation)).Sentences);
    }

    [Fact]
    public async Task List_ByStatusAndPage_IsTheStoresList()
    {
        await using var cluster = await LearningCluster.Start(2);
        await cluster.Learner.Ingest(LearningCluster.Articles(0, 7), Cancellation);
        await cluster.Settled(7);
        var first = await cluster.Learner.List(new DocumentQuery(Limit: 5), Cancellation);
        var second = await cluster.Learner.List(new DocumentQuery(Limit: 5, Cursor: first.Next), Cancellation);
        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"a{i}"), first.Items.Concat(second.Items).Select(item => item.Id));
        Assert.Null(second.Next);
        await Assert.ThrowsAsync<ArgumentException>(() => cluster.Learner.List(new DocumentQuery(Cursor: "?"), Cancellation));
    }

    [Fact]
    public async Task RestoreWeights_EarlierVersion_BecomesCurrentUnderANewNumber()
    {
        await using var cluster = await LearningCluster.Start(2, LearningCluster.InFullBatches(LearningCluster.SmallOptions));
        var learner = cluster.Learner;
        await learner.Ingest([.. Enumerable.Range(0, 6).Select(LearningCluster.Labelled)], Cancellation);
        await cluster.Settled(6);
        Assert.Equal(3, (await learner.SaveWeights(Cancellation)).Version);
        var kept = (await learner.FindWeights(3, Cancellation))!.Weights.Parameters;
        await learner.Ingest([.. Enumerable.Range(6, 6).Select(LearningCluster.Labelled)], Cancellation);
        await cluster.Settled(12);

        Assert.Equal(7, await learner.RestoreWeights(3, Cancellation));

        Assert.Equal(kept, (await learner.FindWeights(null, Cancellation))!.Weights.Parameters);
        var listed = (await learner.ListWeights(Cancellation))[0];
        Assert.Equal((7, true), (listed.Version, listed.Current));
        Assert.Null(await learner.RestoreWeights(99, Cancellation));
    }

    [Fact]
    public async Task ImportWeights_NotANumberOrAnotherEncoder_IsRefusedAndChangesNothing()
    {
        await using var cluster = await LearningCluster.Start(1);
        var weights = (await cluster.Learner.FindWeights(null, Cancellation))!;
        var other = await Assert.ThrowsAsync<WeightsRejectedException>(() => cluster.Learner.ImportWeights(weights with { EncoderId = "x" }, Cancellation));
        Assert.Contains("tiny-16", other.Message, StringComparison.Ordinal);
        weights.Weights.Parameter("fc2.weight")[5] = float.NaN;
        var refused = await Assert.ThrowsAsync<WeightsRejectedException>(() => cluster.Learner.ImportWeights(weights, Cancellation));
        Assert.Contains("fc2.weight", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await cluster.Learner.ReadTelemetry(Cancellation)).WeightVersion);
    }

    [Fact]
    public async Task DiskFull_WhileLearning_WaitsAndLosesNothing()
    {
        var store = new FailingStore(new MemoryDocumentStore());
        await using var cluster = await LearningCluster.Start(2, store: store);
        var learner = cluster.Learner;
        await learner.Ingest(LearningCluster.Articles(0, 6), Cancellation);
        store.DiskIsFull = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => learner.Ingest([LearningCluster.Labelled(50)], Cancellation));
        await LearningCluster.Eventually(async () =>
            (await learner.ReadTelemetry(Cancellation)).Problem is { } problem && problem.Contains("disk is full", StringComparison.Ordinal), "the problem");
        store.DiskIsFull = false;
        await learner.Ingest([LearningCluster.Labelled(50)], Cancellation);
        await cluster.Settled(7);
        await LearningCluster.Eventually(async () => (await learner.ReadTelemetry(Cancellation)).Problem is null, "recovery");
    }

    [Fact]
    public async Task Idle_AfterNewWeights_BringsEveryDocumentToThem()
    {
        var options = LearningCluster.InFullBatches(LearningCluster.SmallOptions);
        options = options with { Documents = options.Documents with { RefreshWhenIdle = true, RefreshSettleSeconds = 0.1 } };
        await using var cluster = await LearningCluster.Start(1, options);
        await cluster.Learner.Ingest([LearningCluster.Unlabelled(0)], Cancellation);
        await cluster.Settled(1);
        await cluster.Learner.Ingest([.. Enumerable.Range(1, 6).Select(LearningCluster.Labelled)], Cancellation);
        await LearningCluster.Eventually(async () => (await cluster.Learner.Find("a0", Cancellation))!.State!.WeightVersion == 3);
    }

    private static async Task Ended(Task watching)
    {
        await LearningCluster.Eventually(() => Task.FromResult(watching.IsCompleted), "the end of the watch");
        await watching;
    }
}
