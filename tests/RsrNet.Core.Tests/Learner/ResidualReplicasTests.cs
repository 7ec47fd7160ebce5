using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Learner;

/// <summary>A local learner in the residual mode with several replicas, in each way they learn together.</summary>
public sealed class ResidualReplicasTests
{
    private static readonly HashedEncoder Encoder = new();
    private static readonly Article[] Wire = [.. new DemoNewswire(seed: 9).From().Where(article => article.HasHighlights).Take(60)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<CoordinationMode> Modes => [.. Enum.GetValues<CoordinationMode>()];

    /// <summary>
    /// No row depends on another, so the joined gradient is that of the joined batch but for rounding: 1e-6. Adam's step is the gradient's sign where the moments
    /// are young, which makes rounding larger where a gradient is all rounding: after five batches weights are held to 1e-2, what the regressions add up to 1e-4.
    /// </summary>
    [Fact]
    public async Task Learn_Synchronous_GivesTheWeightsOfOneReplicaWithTheWholeBatch()
    {
        var (first, joined) = (await AfterLearning(Options(CoordinationMode.Synchronous, replicas: 1), 8), await AfterLearning(Options(CoordinationMode.Synchronous), 8));
        Assert.InRange(VectorMath.RelativeDistance(joined.Optimizer!.Mean, first.Optimizer!.Mean), 0, 1e-6);
        Assert.Equal(first.Residual!.Regressions, joined.Residual!.Regressions);

        var alone = await AfterLearning(Options(CoordinationMode.Synchronous, replicas: 1));
        var shared = await AfterLearning(Options(CoordinationMode.Synchronous));
        Assert.Equal(alone.Version, shared.Version);
        Assert.Equal(5, shared.Version);
        Assert.InRange(VectorMath.RelativeDistance(shared.Weights.Parameters, alone.Weights.Parameters), 0, 1e-2);
        Assert.InRange(VectorMath.RelativeDistance(shared.Served.Parameters, alone.Served.Parameters), 0, 1e-2);
        Assert.InRange(VectorMath.RelativeDistance(shared.Served.Statistics, alone.Served.Statistics), 0, 1e-4);
        foreach (var (name, values) in alone.Residual!.Regressions)
        {
            var others = shared.Residual!.Regressions[name];
            Assert.Equal(values.Length, others.Length);
            for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], others[i], 1e-4 * Math.Max(1, Math.Abs(values[i])));
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Learn_SameArticlesAndSeed_GivesTheSameWeights(CoordinationMode mode)
    {
        var first = await AfterLearning(Options(mode));
        var second = await AfterLearning(Options(mode));
        Assert.Equal(first.Weights.Parameters, second.Weights.Parameters);
        Assert.Equal(first.Served.Parameters, second.Served.Parameters);
        Assert.Equal(first.Residual!.Regressions, second.Residual!.Regressions);
        Assert.Equal(40, first.Residual.Regressions["mean.count"][0]);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Started_EveryArticle_IsForetoldLearnedOnceAndRefinedToItsEnd(CoordinationMode mode)
    {
        var (store, checkpoints) = (new MemoryDocumentStore(), new MemoryCheckpoints());
        var options = Options(mode);
        await using var learner = await Open(options with { Residual = options.Residual with { Replays = 1 } }, store, checkpoints);
        learner.Start();
        await learner.Ingest([.. Wire, new Article("bare", "One plain sentence tells of a river. A second one tells of a town.")], Cancellation);
        await learner.Ingest([new Article("dots", "...") { Highlights = ["nothing of it"] }], Cancellation);
        await Settled(learner, Wire.Length + 2);

        var telemetry = await learner.ReadTelemetry(Cancellation);
        Assert.Equal(("residual", Wire.Length), (telemetry.Mode, (int)telemetry.Learned));
        Assert.NotNull(telemetry.PrequentialRouge);
        Assert.True(telemetry.PrequentialSimilarity > 0.1, $"similarity {telemetry.PrequentialSimilarity}");
        Assert.Equal(Wire.Length, (await learner.FindWeights(null, Cancellation))!.Residual!.Regressions["mean.count"][0]);
        foreach (var article in Wire)
        {
            var document = (await learner.Find(article.Id, Cancellation))!;
            Assert.NotNull(document.State!.Loss);
            Assert.True(document.Trajectory.Points[0].WeightVersion < document.LearnedAt, "it was foretold with weights from before it was learned");
            Assert.Equal(Enumerable.Range(1, document.State.Step), document.Trajectory.Points.Select(point => point.Step));
            Assert.NotEmpty((await learner.Summarize(document, Cancellation)).Sentences);
        }
        Assert.NotNull((await learner.Find("dots", Cancellation))!.LearnedAt);
        await learner.DisposeAsync();
        Assert.Equal(telemetry.WeightVersion, (await checkpoints.LoadNewest(_ => { }, Cancellation))!.Version);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Started_OneLabelledArticleAlone_IsLearnedAtOnce(CoordinationMode mode)
    {
        await using var learner = await Open(Options(mode), new MemoryDocumentStore(), null);
        learner.Start();
        await learner.Ingest([Wire[0]], Cancellation);
        await Settled(learner, 1);
        Assert.NotNull((await learner.Find(Wire[0].Id, Cancellation))!.LearnedAt);
        Assert.Equal(1, (await learner.ReadTelemetry(Cancellation)).WeightVersion);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Reopen_AfterACrash_TeachesEachArticleOnce(CoordinationMode mode)
    {
        var (store, checkpoints) = (new MemoryDocumentStore(), new MemoryCheckpoints());
        var crashed = await Open(Options(mode), store, checkpoints);
        await crashed.Ingest(Wire[..24], Cancellation);
        await crashed.Learn(Ids(0, 12), Cancellation);
        await crashed.SaveWeights(Cancellation);
        await crashed.Learn(Ids(12, 12), Cancellation);
        // No disposal: the process is gone.

        await using var learner = await Open(Options(mode), store, checkpoints);
        Assert.Equal(12, (await learner.FindWeights(null, Cancellation))!.Residual!.Regressions["mean.count"][0]);
        learner.Start();
        await Settled(learner, 24);
        Assert.Equal(24, (await learner.FindWeights(null, Cancellation))!.Residual!.Regressions["mean.count"][0]);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Amend_HighlightsThatComeLate_AreScoredByWhatWasForetold(CoordinationMode mode)
    {
        await using var learner = await Open(Options(mode), new MemoryDocumentStore(), null);
        learner.Start();
        await learner.Ingest([new Article("late", Wire[0].Text), .. Wire[1..20]], Cancellation);
        await Settled(learner, 20);
        var before = (await learner.Find("late", Cancellation))!;

        var outcome = await learner.Amend("late", new Amendment(Wire[0].Highlights, null), Cancellation);

        Assert.NotNull(outcome!.Value.Similarity);
        await Eventually(async () => await learner.Find("late", Cancellation) is { IsFinished: true, LearnedAt: not null });
        var after = (await learner.Find("late", Cancellation))!;
        Assert.Equal(2, after.Revision);
        Assert.True(after.State!.Step >= before.State!.Step, "it goes on from the state that was foretold");
        Assert.Equal(20, (await learner.FindWeights(null, Cancellation))!.Residual!.Regressions["mean.count"][0]);
    }

    [Fact]
    public async Task PromoteShadow_WithSeveralReplicas_ChallengerServesAndLearningGoesOn()
    {
        var options = Options(CoordinationMode.Synchronous);
        var challenger = options.Residual with { Anchor = 0, Seed = 5 };
        await using var learner = await Open(
            options with { Shadow = new ShadowOptions { Enabled = true, Challenger = challenger, Window = 20 } }, new MemoryDocumentStore(), new MemoryCheckpoints());
        await learner.Ingest(Wire[..40], Cancellation);
        for (var first = 0; first < 32; first += 8) await learner.Learn(Ids(first, 8), Cancellation);
        await Eventually(async () => (await learner.ReadShadow(Cancellation))!.Judged == 20);

        var version = await learner.PromoteShadow(Cancellation);

        Assert.Equal(5, version);
        await learner.Learn(Ids(32, 8), Cancellation);
        var promoted = (await learner.FindWeights(null, Cancellation))!;
        Assert.Equal(challenger, promoted.Residual!.Promoted);
        Assert.Equal(0, new ResidualStatistics(promoted.Served).Anchor);
        Assert.Equal(6, promoted.Version);
    }

    private static async Task<Checkpoint> AfterLearning(RsrNetOptions options, int articles = 40)
    {
        await using var learner = await Open(options, new MemoryDocumentStore(), null);
        await learner.Ingest(Wire[..articles], Cancellation);
        for (var first = 0; first < articles; first += 8) await learner.Learn(Ids(first, 8), Cancellation);
        return (await learner.FindWeights(null, Cancellation))!;
    }

    private static RsrNetOptions Options(CoordinationMode mode, int replicas = 3) => new()
    {
        Residual = new ResidualOptions { Hidden = 8, Latent = 4, ReservoirSize = 30 },
        Coordination = new CoordinationOptions
        {
            BatchSize = 8, BatchWaitMs = 5, Replicas = replicas, Mode = mode, AveragingPeriod = 2, StalenessBound = 6,
        },
        Documents = new DocumentOptions { RefineBatch = 8, RefreshWhenIdle = false },
        Weights = new WeightOptions { CheckpointUpdates = 24, CheckpointSeconds = 5 },
    };

    private static string[] Ids(int first, int count) => [.. Wire.Skip(first).Take(count).Select(article => article.Id)];

    private static Task<LocalLearner> Open(RsrNetOptions options, IDocumentStore store, ICheckpointStore? checkpoints) =>
        LocalLearner.Open(options, Encoder, store, checkpoints, cancellation: Cancellation);

    private static Task Settled(LocalLearner learner, int documents) => Eventually(async () =>
        await learner.List(new DocumentQuery(Limit: 1000), Cancellation) is { } page
        && page.Items.Count == documents && page.Items.All(item => item.Status is DocumentStatus.Converged or DocumentStatus.Exhausted));

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        // Three minutes are a hang, not a bound on speed.
        for (var tries = 0; tries < 18_000; tries++)
        {
            if (await condition()) return;
            await Task.Delay(10, Cancellation);
        }
        Assert.Fail("it did not come to that in three minutes");
    }
}
