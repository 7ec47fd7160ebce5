using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Learner;
using RsrNet.Core.Weights;
using RsrNet.Grains.Coordination;

namespace RsrNet.Cluster.Tests.Coordination;

/// <summary>The residual mode over several silos.</summary>
public sealed class ResidualLearningTests
{
    private static readonly HashedEncoder Encoder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Article[] Wire { get; } = [.. new DemoNewswire(seed: 5).From().Where(article => article.HasHighlights).Take(96)];

    /// <summary>
    /// With a replica on each silo, weights, average and regressions are those of one process with as many replicas, bit for bit: the same sums in the same
    /// order. Where a silo adds up its own replicas first, the last digits differ, and Adam's first steps make them larger.
    /// </summary>
    [Theory]
    [InlineData(3, 0)]
    [InlineData(1, 1e-2)]
    public async Task Synchronous_SameBatches_GivesTheLocalLearnersWeights(int silos, double tolerance)
    {
        var options = LearningCluster.InFullBatches(LearningCluster.ResidualOptions);
        var expected = await LocalWeights(options, Wire[..24]);
        await using var cluster = await LearningCluster.Start(silos, options, encoder: Encoder);
        await cluster.Learner.Ingest(Wire[..24], Cancellation);
        await cluster.Settled(24);

        var actual = (await cluster.Learner.FindWeights(null, Cancellation))!;

        Assert.Equal((4, expected.Version, "residual"), (actual.Version, actual.Version, actual.Mode));
        AssertNear(expected.Weights.Parameters, actual.Weights.Parameters, tolerance);
        AssertNear(expected.Served.Parameters, actual.Served.Parameters, tolerance);
        AssertNear(expected.Served.Statistics, actual.Served.Statistics, tolerance);
        AssertNear(expected.Optimizer!.Mean, actual.Optimizer!.Mean, tolerance);
        Assert.Equal(24, actual.Residual!.Regressions["mean.count"][0]);
        if (tolerance == 0) Assert.Equal(expected.Residual!.Regressions, actual.Residual.Regressions);
    }

    [Fact]
    public async Task LocalSteps_SameBatches_GivesTheLocalLearnersWeights()
    {
        var options = LearningCluster.InFullBatches(LearningCluster.ResidualOptions);
        options = options with { Coordination = options.Coordination with { Mode = CoordinationMode.LocalSteps, AveragingPeriod = 2, Replicas = 2 } };
        var expected = await LocalWeights(options, Wire[..24]);
        await using var cluster = await LearningCluster.Start(2, options, encoder: Encoder);
        await cluster.Learner.Ingest(Wire[..24], Cancellation);
        await cluster.Settled(24);
        var actual = (await cluster.Learner.FindWeights(null, Cancellation))!;
        Assert.Equal(2, actual.Version); // two batches of one step for each replica
        Assert.Equal(expected.Weights.Parameters, actual.Weights.Parameters);
        Assert.Equal(expected.Served.Parameters, actual.Served.Parameters);
        Assert.Equal(expected.Residual!.Regressions, actual.Residual!.Regressions);
    }

    [Theory]
    [InlineData(CoordinationMode.Synchronous)]
    [InlineData(CoordinationMode.Asynchronous)]
    [InlineData(CoordinationMode.LocalSteps)]
    public async Task Learn_AnyMode_EachLabelledDocumentIsForetoldAndTeachesOnce(CoordinationMode mode)
    {
        var store = new RecordingStore(new MemoryDocumentStore());
        var options = LearningCluster.ResidualOptions;
        options = options with
        {
            Coordination = options.Coordination with { Mode = mode, AveragingPeriod = 2 }, Residual = options.Residual with { Replays = 1 },
        };
        await using var cluster = await LearningCluster.Start(3, options, store, encoder: Encoder);
        await cluster.Learner.Ingest([.. Wire, new Article("bare", "One plain sentence tells of a river. A second one tells of a town.")], Cancellation);
        await cluster.Learner.Ingest([new Article("dots", "...") { Highlights = ["nothing of it"] }], Cancellation);
        await cluster.Settled(Wire.Length + 2);

        await LearningCluster.Eventually(async () => (await cluster.Learner.ReadTelemetry(Cancellation)).Learned == Wire.Length, "the learning");
        var telemetry = await cluster.Learner.ReadTelemetry(Cancellation);
        Assert.Equal("residual", telemetry.Mode);
        Assert.NotNull(telemetry.PrequentialRouge);
        Assert.NotNull(telemetry.Readout);
        Assert.True(telemetry.PrequentialSimilarity > 0.1, $"similarity {telemetry.PrequentialSimilarity}");
        Assert.Empty(store.Twice);
        var weights = (await cluster.Learner.FindWeights(null, Cancellation))!;
        Assert.Equal(Wire.Length, weights.Residual!.Regressions["mean.count"][0]);
        Assert.NotEqual(weights.Weights.Parameters, weights.Served.Parameters);
        foreach (var article in Wire)
        {
            var document = (await cluster.Learner.Find(article.Id, Cancellation))!;
            Assert.NotNull(document.State!.Loss);
            Assert.Null(document.Embedding!.Sentences);
            Assert.True(document.Trajectory.Points[0].WeightVersion < document.LearnedAt, "it was foretold with weights from before it was learned");
            Assert.Equal(Enumerable.Range(1, document.State.Step), document.Trajectory.Points.Select(point => point.Step));
        }
    }

    [Theory]
    [InlineData(CoordinationMode.Synchronous, false)]
    [InlineData(CoordinationMode.Synchronous, true)]
    [InlineData(CoordinationMode.Asynchronous, true)]
    public async Task SiloKilled_WhileLearning_EachArticleTeachesOnce(CoordinationMode mode, bool withCoordinator)
    {
        var store = new RecordingStore(new MemoryDocumentStore());
        var options = LearningCluster.ResidualOptions;
        options = options with { Coordination = options.Coordination with { Mode = mode } };
        await using var cluster = await LearningCluster.Start(3, options, store, grains: new() { RescanSeconds = 2 }, encoder: Encoder, mortal: true);
        Article[] articles = [.. new DemoNewswire(seed: 6).From().Where(article => article.HasHighlights).Take(300)];
        await LearningCluster.Persist(() => cluster.Learner.Ingest(articles, Cancellation));
        await LearningCluster.Eventually(async () => (await cluster.Learner.ReadTelemetry(Cancellation)).Learned >= 40, "a part of the learning");

        var coordinator = await cluster.SiloOf(cluster.Client.GetGrain<ICoordinatorGrain>(0));
        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos.First(silo => (silo == coordinator) == withCoordinator), Cancellation);

        await cluster.Settled(300);
        Assert.Empty(store.Twice);
        Assert.Equal(300, (await store.ReadLearned(1000, Cancellation)).Count);
        var weights = (await LearningCluster.Persist(() => cluster.Learner.FindWeights(null, Cancellation)))!;
        Assert.Equal(300, weights.Residual!.Regressions["mean.count"][0]);
    }

    [Fact]
    public async Task Answers_OfADocument_AreTheLocalLearners()
    {
        await using var cluster = await LearningCluster.Start(2, LearningCluster.ResidualOptions, encoder: Encoder);
        var learner = cluster.Learner;
        await learner.Ingest(Wire[..40], Cancellation);
        await cluster.Settled(40);
        await learner.SaveWeights(Cancellation);
        // The same documents and weights as the cluster left them, in one process.
        await using var local = await LocalLearner.Open(LearningCluster.ResidualOptions, Encoder, cluster.Store, cluster.Checkpoints, cancellation: Cancellation);

        string[] ids = [.. Wire[..12].Select(article => article.Id)];
        foreach (var id in ids)
        {
            var document = (await learner.Find(id, Cancellation))!;
            var (own, other) = (await learner.Summarize(document, Cancellation), await local.Summarize(document, Cancellation));
            Assert.Equal(other.Readout, own.Readout);
            Assert.Equivalent(other.Sentences, own.Sentences, strict: true);
            Assert.NotEmpty(own.Sentences[0].Contributions!);
        }
        Assert.Equal(await local.MeasureContraction(ids[0], Cancellation), await learner.MeasureContraction(ids[0], Cancellation));
        Assert.Equivalent(await local.CompareWithUntrained(ids, Cancellation), await learner.CompareWithUntrained(ids, Cancellation), strict: true);
        var (there, here) = (await local.ReadTelemetry(Cancellation), await learner.ReadTelemetry(Cancellation));
        Assert.Equal((there.Readout, there.ReadoutGain), (here.Readout, here.ReadoutGain));
    }

    [Fact]
    public async Task CoordinatorMoves_InGoodOrder_GoesOnWithAverageAndRegressions()
    {
        await using var cluster = await LearningCluster.Start(3, LearningCluster.InFullBatches(LearningCluster.ResidualOptions), encoder: Encoder, mortal: true);
        var coordinator = cluster.Client.GetGrain<ICoordinatorGrain>(0);
        await LearningCluster.Persist(() => cluster.Learner.Ingest(Wire[..30], Cancellation));
        await cluster.Settled(30);
        var before = (await LearningCluster.Persist(() => cluster.Learner.FindWeights(null, Cancellation)))!;

        await cluster.Silos.StopSiloAsync(await cluster.SiloOf(coordinator), Cancellation);

        var after = (await LearningCluster.Persist(() => cluster.Learner.FindWeights(null, Cancellation)))!;
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Served.Parameters, after.Served.Parameters);
        Assert.Equal(before.Residual!.Regressions, after.Residual!.Regressions);
    }

    [Fact]
    public async Task Amend_AfterRefinement_IsScoredByWhatWasForetoldAndTeachesOnce()
    {
        await using var cluster = await LearningCluster.Start(2, LearningCluster.ResidualOptions, encoder: Encoder);
        var learner = cluster.Learner;
        await learner.Ingest([new Article("late", Wire[0].Text), .. Wire[1..20]], Cancellation);
        await cluster.Settled(20);
        var before = (await learner.Find("late", Cancellation))!;
        Assert.Null(before.LearnedAt);

        var outcome = await learner.Amend("late", new Amendment(Wire[0].Highlights, null), Cancellation);

        Assert.NotNull(outcome!.Value.Similarity);
        await LearningCluster.Eventually(async () => await learner.Find("late", Cancellation) is { IsFinished: true, LearnedAt: not null }, "the learning");
        var after = (await learner.Find("late", Cancellation))!;
        Assert.True(after.State!.Step >= before.State!.Step, "it goes on from the state that was foretold");
        Assert.NotNull(after.State.Loss);
        Assert.Equal(20, (await learner.FindWeights(null, Cancellation))!.Residual!.Regressions["mean.count"][0]);
    }

    [Fact]
    public async Task Shadow_LearnsBesideAndServesOncePromoted()
    {
        var options = LearningCluster.ResidualOptions;
        var challenger = options.Residual with { Anchor = 0, Seed = 5 };
        options = options with { Shadow = new ShadowOptions { Enabled = true, Challenger = challenger, Window = 20 } };
        await using var cluster = await LearningCluster.Start(2, options, encoder: Encoder);
        var learner = cluster.Learner;
        await learner.Ingest(Wire[..40], Cancellation);
        await cluster.Settled(40);
        await LearningCluster.Eventually(async () => await learner.ReadShadow(Cancellation) is { Judged: 20 }, "the challenger");
        Assert.Equal(challenger, (await learner.ReadShadow(Cancellation))!.Challenger);
        var before = (await learner.FindWeights(null, Cancellation))!;

        var version = await learner.PromoteShadow(Cancellation);

        Assert.Equal(before.Version + 1, version);
        var promoted = (await learner.FindWeights(null, Cancellation))!;
        Assert.Equal(challenger, promoted.Residual!.Promoted);
        Assert.Equal(0, new ResidualStatistics(promoted.Served).Anchor);
        Assert.Equal([version!.Value], (await learner.ReadShadow(Cancellation))!.PromotedAt);
        Assert.Contains(await learner.ListWeights(Cancellation), summary => summary.Version == before.Version && summary.Pinned);
        await learner.Ingest(Wire[40..52], Cancellation);
        await cluster.Settled(52);
        Assert.True((await learner.FindWeights(null, Cancellation))!.Version > version);
    }

    [Fact]
    public async Task Drift_IsTold_AndWhatWasBeforeCountsForLess()
    {
        Article[] wire = [.. new DemoNewswire(seed: 3, driftAfter: 300).From().Take(450)];
        var options = LearningCluster.ResidualOptions;
        options = options with
        {
            Drift = new DriftOptions { KeepArticles = 5 }, Residual = options.Residual with { Forgetting = 1 },
            Shadow = new ShadowOptions { Enabled = true, Challenger = options.Residual, Window = 20 },
        };
        await using var cluster = await LearningCluster.Start(2, options, encoder: Encoder);
        await cluster.Learner.Ingest(wire[..300], Cancellation);
        await cluster.Settled(300);
        await cluster.Learner.Ingest(wire[300..], Cancellation);
        await cluster.Settled(450);
        await LearningCluster.Eventually(
            async () => (await cluster.Learner.ReadTelemetry(Cancellation)).Drifts.Any(drift => drift is { IsDrift: true, Signal: "familiarity" }), "the drift");
        var counted = (await cluster.Learner.FindWeights(null, Cancellation))!.Residual!.Regressions["words.reference.gram"][0];
        Assert.InRange(counted, 5, wire[300..].Count(article => article.HasHighlights) + 5);
    }

    [Fact]
    public async Task Shadow_WhereNoneIsWanted_IsNotThere()
    {
        await using var cluster = await LearningCluster.Start(1);
        Assert.Null(await cluster.Learner.ReadShadow(Cancellation));
        Assert.Null(await cluster.Learner.PromoteShadow(Cancellation));
    }

    private static async Task<Checkpoint> LocalWeights(RsrNetOptions options, Article[] articles)
    {
        await using var local = await LocalLearner.Open(options, Encoder, new MemoryDocumentStore(), null, cancellation: Cancellation);
        await local.Ingest(articles, Cancellation);
        local.Start();
        await LearningCluster.Settled(local, articles.Length);
        return (await local.FindWeights(null, Cancellation))!;
    }

    private static void AssertNear(float[] expected, float[] actual, double tolerance)
    {
        if (tolerance == 0) Assert.Equal(expected, actual);
        else Assert.InRange(RsrNet.Core.Numerics.VectorMath.RelativeDistance(actual, expected), 0, tolerance);
    }
}
