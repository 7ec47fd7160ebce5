using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Learner;

/// <summary>The residual mode in a whole learner: scored before it is learned, served by the average, durable as one version.</summary>
public sealed class ResidualLearnerTests
{
    private static readonly HashedEncoder Encoder = new();
    private static readonly Article[] Wire = [.. new DemoNewswire(seed: 7).From().Where(article => article.HasHighlights).Take(120)];

    private static readonly RsrNetOptions Options = new()
    {
        Learning = LearningMode.Residual,
        Residual = new ResidualOptions { Hidden = 8, Latent = 4, ReservoirSize = 50, Replays = 1 },
        Coordination = new CoordinationOptions { BatchSize = 8, BatchWaitMs = 5 },
        Documents = new DocumentOptions { RefineBatch = 4, RefreshWhenIdle = false },
        Weights = new WeightOptions { CheckpointUpdates = 20, CheckpointSeconds = 5 },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Started_EveryArticle_IsForetoldThenLearnedThenRefinedToItsEnd()
    {
        await using var learner = await Open(new MemoryDocumentStore(), new MemoryCheckpoints());
        learner.Start();
        await learner.Ingest([.. Wire, new Article("bare", "One plain sentence tells of a river. A second one tells of a town."), new Article("dots", "...")], Cancellation);
        await Settled(learner, Wire.Length + 2);

        var telemetry = await learner.ReadTelemetry(Cancellation);
        Assert.Equal("residual", telemetry.Mode);
        Assert.Equal(Wire.Length, telemetry.Learned);
        Assert.NotNull(telemetry.PrequentialRouge);
        Assert.True(telemetry.PrequentialSimilarity > 0.1, $"similarity {telemetry.PrequentialSimilarity}");
        var labelled = (await learner.Find(Wire[0].Id, Cancellation))!;
        Assert.NotNull(labelled.LearnedAt);
        Assert.NotNull(labelled.State!.Loss);
        // The first point of its past is the prediction, with the loss of what was learned from it.
        Assert.Equal(1, labelled.Trajectory.Points[0].Step);
        Assert.NotNull(labelled.Trajectory.Points[0].Loss);
        Assert.True(labelled.Trajectory.Points[0].WeightVersion < labelled.LearnedAt);
        Assert.Equal(DocumentStatus.Converged, (await learner.Find("bare", Cancellation))!.Status);
    }

    [Fact]
    public async Task Learn_MakesTheAverageServe_NotTheTrainedWeights()
    {
        await using var learner = await Learned(new MemoryDocumentStore(), null, 40);
        var weights = (await learner.FindWeights(null, Cancellation))!;
        Assert.NotNull(weights.Residual);
        Assert.NotEqual(weights.Weights.Parameters, weights.Served.Parameters);
        var id = Wire[40].Id;
        var refined = await Refined(learner, Wire[40]);

        // An engine with the average gives the learner's y; one with the trained weights does not.
        var document = new ArticleReader(Encoder, readsSentences: true).Read(refined with { State = null });
        Assert.Equal(refined.State!.Y, FirstStep(weights.Served, document));
        Assert.NotEqual(refined.State!.Y, FirstStep(weights.Weights, document));
        Assert.Equal(id, refined.Id);
    }

    [Fact]
    public async Task Reopen_GoesOnFromTheSameVersion_WithAverageAndRegressions()
    {
        var (store, checkpoints) = (new MemoryDocumentStore(), new MemoryCheckpoints());
        Checkpoint before;
        float[] y;
        await using (var learner = await Learned(store, checkpoints, 40))
        {
            before = (await learner.FindWeights(null, Cancellation))!;
            y = (await Refined(learner, Wire[50])).State!.Y;
        }
        await using var reopened = await Open(store, checkpoints);
        var after = (await reopened.FindWeights(null, Cancellation))!;
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Served.Parameters, after.Served.Parameters);
        Assert.Equal(before.Served.Statistics, after.Served.Statistics);
        Assert.Equal(before.Residual!.Updates, after.Residual!.Updates);
        foreach (var (name, values) in before.Residual.Regressions) Assert.Equal(values, after.Residual.Regressions[name]);
        await reopened.Delete(Wire[50].Id, Cancellation);
        Assert.Equal(y, (await Refined(reopened, Wire[50])).State!.Y);
    }

    [Fact]
    public async Task Crash_AfterTheCheckpoint_LearnsWhatWasLost_Once()
    {
        var (store, checkpoints) = (new MemoryDocumentStore(), new MemoryCheckpoints());
        var crashed = await Open(store, checkpoints);
        await crashed.Ingest(Wire[..32], Cancellation);
        await crashed.Learn(Ids(0, 16), Cancellation);
        var saved = (await crashed.SaveWeights(Cancellation)).Version;
        await crashed.Learn(Ids(16, 16), Cancellation);
        // No disposal: the process is gone.

        await using var learner = await Open(store, checkpoints);
        Assert.Equal(saved, (await learner.ReadTelemetry(Cancellation)).WeightVersion);
        learner.Start();
        await Settled(learner, 32);
        Assert.Equal(16, (await learner.ReadTelemetry(Cancellation)).Learned);
    }

    [Fact]
    public async Task Summary_NamesItsReadout_AndWhyEachSentenceWasChosen()
    {
        await using var learner = await Learned(new MemoryDocumentStore(), null, 8);
        var summary = await learner.Summarize(await Refined(learner, Wire[60]), Cancellation);
        Assert.Equal(SentenceReadout.Lead, summary.Readout); // eight articles prove nothing
        Assert.Equal(Math.Min(3, ArticleSentences.Of(Encoder, Wire[60].Text).Count), summary.Sentences.Count);
        foreach (var sentence in summary.Sentences)
        {
            Assert.Equal(PairFeatures.Count + 1, sentence.Contributions!.Count); // all but the bias, new words, and length
            Assert.Contains(sentence.Contributions, one => one.Value != 0);
        }
        var dots = new Document { Article = new Article("x", "..."), Sequence = 1, Revision = 1, IngestedAt = default };
        Assert.All((await learner.Summarize(dots, Cancellation)).Sentences, sentence => Assert.Null(sentence.Contributions));
    }

    [Fact]
    public async Task Weights_Restored_BringTheirRegressionsBack()
    {
        var checkpoints = new MemoryCheckpoints();
        await using var learner = await Learned(new MemoryDocumentStore(), checkpoints, 24);
        var kept = (await learner.SaveWeights(Cancellation)).Version;
        var then = (await learner.FindWeights(kept, Cancellation))!;
        await learner.Ingest(Wire[24..48], Cancellation);
        await learner.Learn(Ids(24, 24), Cancellation);
        Assert.NotEqual(then.Residual!.Regressions["pairs.gram"], (await learner.FindWeights(null, Cancellation))!.Residual!.Regressions["pairs.gram"]);

        var version = await learner.RestoreWeights(kept, Cancellation);
        var now = (await learner.FindWeights(null, Cancellation))!;
        Assert.Equal(version, now.Version);
        Assert.Equal(then.Residual.Regressions["pairs.gram"], now.Residual!.Regressions["pairs.gram"]);
        Assert.Equal(then.Served.Statistics, now.Served.Statistics);
    }

    [Fact]
    public async Task Weights_OfTheOtherMode_AreRefusedWithTheWayOut()
    {
        await using var notebook = await LocalLearner.Open(
            Options with { Learning = LearningMode.Notebook }, Encoder, new MemoryDocumentStore(), null, cancellation: Cancellation);
        var weights = (await notebook.FindWeights(null, Cancellation))!;
        await using var learner = await Open(new MemoryDocumentStore(), null);
        var refused = await Assert.ThrowsAsync<WeightsRejectedException>(() => learner.ImportWeights(weights, Cancellation));
        Assert.Contains("--learning notebook", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Amend_WithHighlights_ScoresWhatWasForetold_ThenLearns()
    {
        var (store, checkpoints) = (new MemoryDocumentStore(), new MemoryCheckpoints());
        await using var learner = await Open(store, checkpoints);
        learner.Start();
        var bare = Wire[0] with { Highlights = [] };
        await learner.Ingest([bare], Cancellation);
        await Settled(learner, 1);
        var before = (await learner.Find(bare.Id, Cancellation))!;
        Assert.Null(before.LearnedAt);

        var outcome = (await learner.Amend(bare.Id, new Amendment(Wire[0].Highlights, null), Cancellation))!.Value;
        Assert.Equal(2, outcome.Put.Revision);
        Assert.Equal(VectorMath.Cosine(before.State!.Y, Encoder.Embed(Wire[0]).T), outcome.Similarity!.Value, 1e-6);
        // Durable once acknowledged: the store has it, with the state it goes on from.
        Assert.Equal(Wire[0].Highlights, (await store.Find(bare.Id, Cancellation))!.Article.Highlights);
        await Eventually(async () => (await learner.Find(bare.Id, Cancellation))!.LearnedAt is not null);
        var telemetry = await learner.ReadTelemetry(Cancellation);
        Assert.Equal(outcome.Similarity.Value, telemetry.PrequentialSimilarity!.Value, 1e-5);
        Assert.Equal(1, telemetry.Learned);
        await Settled(learner, 1);
        Assert.True((await learner.Find(bare.Id, Cancellation))!.State!.Step > before.State.Step);

        Assert.True((await learner.Amend(bare.Id, new Amendment(Wire[0].Highlights, null), Cancellation))!.Value.Put.Duplicate);
        Assert.Null(await learner.Amend("nobody", new Amendment(["x"], null), Cancellation));
    }

    [Fact]
    public async Task Amend_WithLabels_KeepsWhatWasLearned()
    {
        await using var learner = await Learned(new MemoryDocumentStore(), null, 8);
        var before = (await learner.Find(Wire[0].Id, Cancellation))!;
        await learner.Amend(Wire[0].Id, new Amendment(null, new Dictionary<string, string> { ["desk"] = "night" }), Cancellation);
        var after = (await learner.Find(Wire[0].Id, Cancellation))!;
        Assert.Equal("night", after.Article.Labels["desk"]);
        Assert.Equal(before.Article.Highlights, after.Article.Highlights);
        Assert.Equal(before.LearnedAt, after.LearnedAt);
        Assert.Equal(before.State!.Y, after.State!.Y);
    }

    [Fact]
    public async Task Refine_WithATimeLimit_AnswersWhatThereIs()
    {
        await using var learner = await LocalLearner.Open(
            Options with { Documents = new DocumentOptions { Tolerance = 1e-12, MaxSteps = 1_000_000, RefreshWhenIdle = false } },
            Encoder, new MemoryDocumentStore(), null, cancellation: Cancellation);
        learner.Start();
        await learner.Ingest([Wire[0] with { Highlights = [] }], Cancellation);
        var document = await learner.Refine(Wire[0].Id, new RefineRequest(900_000, null, TimeSpan.FromMilliseconds(50)), Cancellation);
        Assert.InRange(document!.State!.Step, 1, 899_999);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task Drift_IsTold_AndWhatWasBeforeCountsForLess(bool react, int replicas)
    {
        Article[] wire = [.. new DemoNewswire(seed: 3, driftAfter: 400).From().Take(600)];
        await using var learner = await LocalLearner.Open(
            Options with
            {
                Drift = new DriftOptions { React = react, KeepArticles = 5 }, Residual = Options.Residual with { Forgetting = 1 },
                Coordination = Options.Coordination with { Replicas = replicas },
            },
            Encoder, new MemoryDocumentStore(), null, cancellation: Cancellation);
        learner.Start();
        await learner.Ingest(wire, Cancellation);
        await Settled(learner, wire.Length);
        var drifts = (await learner.ReadTelemetry(Cancellation)).Drifts;
        Assert.Contains(drifts, drift => drift is { IsDrift: true, Signal: "familiarity" });
        var counted = (await learner.FindWeights(null, Cancellation))!.Residual!.Regressions["words.reference.gram"][0];
        var learned = wire.Count(article => article.HasHighlights);
        if (react) Assert.InRange(counted, 5, wire[400..].Count(article => article.HasHighlights) + 5 + 2 * Options.Coordination.BatchSize * replicas);
        else Assert.Equal(learned, counted);
    }

    /// <summary>What forgetting after a drift is for: the new topics are foretold better.</summary>
    [Fact]
    public void Drift_OfWhichLittleIsKept_IsFollowedFaster()
    {
        var wire = new DemoNewswire(seed: 3, driftAfter: 1_000);
        ReadArticle[] read =
        [
            .. wire.From().Take(1_400).Where(article => article.HasHighlights).Select(article =>
            {
                var embedding = Encoder.Embed(article);
                return new ReadArticle(article.Id, embedding.X, embedding.T, ArticleSentences.Of(Encoder, article.Text), article.Highlights);
            }),
        ];
        var drifted = Array.FindIndex(read, article => article.Id == wire.From(1_000).First(one => one.HasHighlights).Id);
        var (kept, forgot) = (MeanCosine(null), MeanCosine(50));
        Assert.True(forgot > kept + 0.003, $"forgotten {forgot}, kept {kept}");

        double MeanCosine(int? keep)
        {
            using var model = new ResidualModel(Encoder.Dimensions, new ResidualOptions());
            var cosines = new List<double>();
            for (var first = 0; first < read.Length; first += 8)
            {
                if (keep is { } articles && first >= drifted + 16 && first < drifted + 24) model.Forget(articles);
                var batch = read[first..Math.Min(first + 8, read.Length)];
                var lessons = model.Learn(batch, model.Predict(batch));
                if (first >= drifted + 24) cosines.AddRange(lessons.Select(lesson => lesson.Cosine));
            }
            return cosines.Average();
        }
    }

    [Fact]
    public async Task Shadow_LearnsBesideAndIsPromoted_AndTheChampionComesBack()
    {
        var checkpoints = new MemoryCheckpoints();
        var challenger = Options.Residual with { Anchor = 0, Replays = 0, LearningRate = 0.01 };
        await using var learner = await LocalLearner.Open(
            Options with { Shadow = new ShadowOptions { Enabled = true, Challenger = challenger, Window = 50 } },
            Encoder, new MemoryDocumentStore(), checkpoints, cancellation: Cancellation);
        await learner.Ingest(Wire[..80], Cancellation);
        for (var first = 0; first < 80; first += 8) await learner.Learn(Ids(first, 8), Cancellation);
        await Eventually(async () => (await learner.ReadShadow(Cancellation))!.Judged == 50);
        var report = (await learner.ReadShadow(Cancellation))!;
        Assert.Equal(challenger, report.Challenger);
        Assert.NotNull(report.Gain);
        Assert.NotEqual(report.ChampionSimilarity, report.ChallengerSimilarity);
        var champion = (await learner.FindWeights(null, Cancellation))!;

        var version = (await learner.PromoteShadow(Cancellation))!.Value;
        var promoted = (await learner.FindWeights(null, Cancellation))!;
        Assert.Equal(version, promoted.Version);
        Assert.Equal(0, new ResidualStatistics(promoted.Served).Anchor);
        Assert.Equal(challenger, promoted.Residual!.Promoted);
        Assert.Equal(Options.Residual, (await learner.ReadShadow(Cancellation))!.Challenger);
        Assert.True((await checkpoints.Find(champion.Version, Cancellation))!.Pinned);
        await learner.Ingest(Wire[80..96], Cancellation);
        await learner.Learn(Ids(80, 16), Cancellation);
        Assert.Equal(0, new ResidualStatistics((await learner.FindWeights(null, Cancellation))!.Served).Anchor);

        await learner.RestoreWeights(champion.Version, Cancellation);
        var restored = (await learner.FindWeights(null, Cancellation))!;
        Assert.Equal(champion.Served.Parameters, restored.Served.Parameters);
        Assert.Null(restored.Residual!.Promoted);
        await learner.Ingest(Wire[96..112], Cancellation);
        await learner.Learn(Ids(96, 16), Cancellation);
        Assert.Equal((float)Options.Residual.Anchor, new ResidualStatistics((await learner.FindWeights(null, Cancellation))!.Served).Anchor);
    }

    private static float[] FirstStep(RecursionWeights weights, Document document)
    {
        using var engine = new ResidualEngine(weights.Shape, Options.Residual.Recursion);
        using var replica = new Replica(engine);
        replica.Load(weights, 0);
        replica.Place([document]);
        replica.Refine();
        return replica.Y(0).ToArray();
    }

    /// <summary>One step of an article that nothing is learned from.</summary>
    private static async Task<Document> Refined(LocalLearner learner, Article article)
    {
        await learner.Ingest([article], Cancellation);
        return (await learner.Refine(article.Id, new RefineRequest(1), Cancellation))!;
    }

    private static string[] Ids(int first, int count) => [.. Wire.Skip(first).Take(count).Select(article => article.Id)];

    private static async Task<LocalLearner> Learned(IDocumentStore store, ICheckpointStore? checkpoints, int count)
    {
        var learner = await Open(store, checkpoints);
        await learner.Ingest(Wire[..count], Cancellation);
        for (var first = 0; first < count; first += 8) await learner.Learn(Ids(first, 8), Cancellation);
        return learner;
    }

    private static Task<LocalLearner> Open(IDocumentStore store, ICheckpointStore? checkpoints) =>
        LocalLearner.Open(Options, Encoder, store, checkpoints, cancellation: Cancellation);

    private static Task Settled(LocalLearner learner, int documents) => Eventually(async () =>
        await learner.List(new DocumentQuery(Limit: 1000), Cancellation) is { } page
        && page.Items.Count == documents && page.Items.All(item => item.Status is DocumentStatus.Converged or DocumentStatus.Exhausted));

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
