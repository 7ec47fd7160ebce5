using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Evaluation;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;
using RsrNet.Grains;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;

namespace RsrNet.Cluster.Tests;

/// <summary>What Core's values are after they have travelled.</summary>
public sealed class WireTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 1, 2, 3, TimeSpan.Zero);
    private readonly ServiceProvider services = new ServiceCollection().AddSerializer(wire => wire.AddAssembly(typeof(ClusterLearner).Assembly)).BuildServiceProvider();

    public void Dispose() => services.Dispose();

    [Fact]
    public void Document_Whole_ArrivesAsItWas()
    {
        var document = new Document
        {
            Article = new Article("a1", "Text with ö and 漢字.")
            {
                Title = "Title", Highlights = ["one", "two"], Labels = new SortedDictionary<string, string> { ["topic"] = "x", ["A"] = "y" }, PublishedAt = At,
            },
            Sequence = 7, Revision = 2, IngestedAt = At, Status = DocumentStatus.Exhausted, Failure = "why",
            Embedding = new DocumentEmbedding("tiny", [1, 2], [3, 4]),
            State = new RefinementState([5, 6], [7], 9, 10, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f),
            Trajectory = Trajectory.Of([new TrajectoryPoint(8, 9, 1, 1, 0.5f, null, At), new TrajectoryPoint(9, 10, 0.1f, 0.2f, 0.3f, 0.4f, At)]),
            LearnedAt = 10, RunStart = 3,
        };
        var back = Travel(document);
        Assert.Equivalent(document, back, strict: true);
        Assert.Equal(document.Article.ContentHash(), back.Article.ContentHash());
    }

    [Fact]
    public void Document_New_ArrivesAsItWas()
    {
        var document = new Document { Article = new Article("a", "t"), Sequence = 1, Revision = 1, IngestedAt = At };
        Assert.Equivalent(document, Travel(document), strict: true);
    }

    [Fact]
    public void Checkpoint_WithAndWithoutOptimizer_ArrivesAsItWas()
    {
        var weights = RecursionInitialization.Create(new RecursionShape(6, 5, 3), 1);
        weights.BatchesTracked = 24;
        var optimizer = new AdamState(weights.Parameters.Length) { Step = 4 };
        optimizer.Mean[3] = 0.5f;
        optimizer.Variance[2] = 0.25f;
        var checkpoint = new Checkpoint(4, "tiny", "notebook", weights, optimizer, At, 0.5f);
        Assert.Equivalent(checkpoint, Travel(checkpoint), strict: true);
        Assert.Null(Travel(checkpoint with { Optimizer = null, EncoderId = null, Loss = null }).Optimizer);
    }

    [Fact]
    public void Document_WithSentences_ArrivesAsItWas()
    {
        var encoder = new HashedEncoder();
        var document = new ArticleReader(encoder, readsSentences: true).Read(new Document
        {
            Article = new Article("a", "The river rose by 2 metres. \"We saw it,\" said Ann Moore. Rain is forecast.") { Highlights = ["The river rose"] },
            Sequence = 1, Revision = 1, IngestedAt = At,
        });
        Assert.Equivalent(document, Travel(document), strict: true);
        Assert.Equal(3, document.Embedding!.Sentences!.Count);
        var empty = new ArticleReader(encoder, readsSentences: true).Read(document with { Article = new Article("a", "..."), Embedding = null });
        Assert.Equivalent(empty, Travel(empty), strict: true);
    }

    [Fact]
    public void ResidualWeights_WithAverageAndRegressions_ArriveAsTheyWere()
    {
        var options = new ResidualOptions { Hidden = 5, Latent = 3, Anchor = 0.5 };
        var shape = new RecursionShape(6, 5, 3) { Mode = LearningMode.Residual };
        var coordinator = new Coordinator(RecursionInitialization.Create(shape, 1), new CoordinationOptions(), options);
        coordinator.Apply([.. Enumerable.Repeat(0.1f, coordinator.Weights.Parameters.Length)], 0.5f);
        var checkpoint = coordinator.Snapshot("tiny", "residual", At) with { Pinned = true };
        checkpoint = checkpoint with { Residual = checkpoint.Residual! with { Promoted = options } };
        var back = Travel(checkpoint);
        Assert.Equivalent(checkpoint, back, strict: true);
        Assert.Equal(options, back.Residual!.Promoted);

        var published = new PublishedWeights(2, 1, coordinator.Weights, null) { Served = coordinator.Served, LearningRate = 0.01, Residual = options };
        Assert.Equivalent(published, Travel(published), strict: true);
        Assert.Equal(coordinator.Served.Parameters, Travel(published).Served.Parameters);
        var notebook = Travel(new PublishedWeights(2, 1, RecursionInitialization.Create(new RecursionShape(6, 5, 3), 1), new AdamState(4)));
        Assert.Same(notebook.Weights, notebook.Served);
    }

    [Fact]
    public void Contribution_WithLessons_ArrivesAsItWas()
    {
        var lesson = new Lesson
        {
            X = [1, 2], T = [3, 4], Sentence = [5, 6], PoolGram = [1.5, 2.5], PoolMoment = [3.5], Scale = 0.1, Confidence = [0.2, 0.3], ForetoldCosine = 0.4,
            Probability = 0.5, Cosine = 0.6, Error = 0.7, PairGram = [0.8], PairMoment = [0.9], Learned = 0.11, Lead = 0.12,
            WordGram = [0.13], WordMoment = [0.14], HighlightWords = 15,
        };
        var contribution = new Contribution
        {
            Term = 2, BaseVersion = 5, Parts = [new ContributionPart(1, 8, 16, 1, 0.5f, 0.6)], Values = [1, 2], Statistics = [], Calls = 0, Lessons = [lesson, lesson],
        };
        Assert.Equivalent(contribution, Travel(contribution), strict: true);
    }

    [Fact]
    public void SmallValues_ArriveAsTheyWere()
    {
        Assert.Equivalent(new Readiness(3, ReadyFor.Training, [1, 2]), Travel(new Readiness(3, ReadyFor.Training, [1, 2])), strict: true);
        Assert.Equal(new Readiness(0, ReadyFor.Nothing, null), Travel(new Readiness(0, ReadyFor.Nothing, null)));
        var request = new RefineRequest(5, 0.1, TimeSpan.FromMilliseconds(20));
        Assert.Equal(request, Travel(request));
        var amendment = new Amendment(["one"], new SortedDictionary<string, string> { ["topic"] = "x" });
        Assert.Equivalent(amendment, Travel(amendment), strict: true);
        Assert.Equal(new Amendment(null, null), Travel(new Amendment(null, null)));
        var outcome = new AmendOutcome(new PutOutcome("a", 2, 7, At, false, DocumentStatus.Pending), 0.5f);
        Assert.Equal(outcome, Travel(outcome));
        var summary = new SummaryJudgement(0.1, 0.2, true);
        Assert.Equal(summary, Travel(summary));
        var report = new ShadowReport(new ResidualOptions { Anchor = 0.5 }, 20, 500, 3, 4, 0.1, 0.2, 0.3, 0.4, new Interval(1, 2, 3), null, [7]);
        Assert.Equivalent(report, Travel(report), strict: true);
        var batch = new ReplicaBatch(["a"], ["b"]) { Replays = [["c", "d"], ["e"]] };
        Assert.Equivalent(batch, Travel(batch), strict: true);
    }

    [Fact]
    public void Contribution_InBFloat16_ArrivesExactlyAndTakesHalfTheBytes()
    {
        var random = new SplitMix64(3);
        var values = new float[10_000];
        foreach (ref var value in values.AsSpan()) value = random.NextUniform(1e-3);
        var exact = new Contribution
        {
            Term = 2, BaseVersion = 5, Parts = [new ContributionPart(1, 8, 16, 1, 0.5f, 0.6)], Values = values, Statistics = [1, 2, 3], Calls = 12,
        };
        Assert.Equivalent(exact, Travel(exact), strict: true);
        var rounded = (exact with { Values = [.. values] }).Rounded(GradientPrecision.BFloat16);
        Assert.Equivalent(rounded, Travel(rounded), strict: true);
        Assert.InRange(Bytes(exact), 40_000, 40_200);
        Assert.InRange(Bytes(rounded), 20_000, 20_200);
    }

    [Fact]
    public void Telemetry_ArrivesAsItWas()
    {
        var snapshot = new TelemetrySnapshot
        {
            At = At, Uptime = 1.5, Accepted = 2, Duplicates = 3, ArticlesPerSecond = 4.5, Documents = new DocumentCounts(1, 2, 3, 4, 5), Learned = 6,
            Steps = 7, RefusedGradients = 8, StaleGradients = 9, StepsPerSecond = 1.1, Updates = 12, UpdatesPerSecond = 1.2, WeightVersion = 10,
            CheckpointVersion = 11, CheckpointAt = At, CheckpointSeconds = 1.3, UnsavedSeconds = 1.4, Loss = double.PositiveInfinity,
            PrequentialSimilarity = 0.2, PrequentialCopySimilarity = 0.21, PrequentialError = 0.3, ResidualY = 0.4, ResidualZ = 0.41, ResidualYAbsolute = 0.42,
            ResidualPercentiles = new ResidualPercentiles(0.1, 0.2, 0.3), ConfidenceHistogram = [1, 2, 3], StepsToTolerance = 4.1, ConvergedShare = 0.5,
            GradientNorm = 0.51, EmbeddingsPerSecond = 0.52, EmbeddingSeconds = 0.53,
            Replicas = [new ReplicaSnapshot("replica 1", "silo", "CpuEngine", 8, 0.1, 0.2, null, 3, 1, 4.5)],
            ParameterNorms = new Dictionary<string, double> { ["fc1.weight"] = 0.9 }, StoreBytes = 13, Encoder = "e", Mode = "m", Errors = 14, Problem = "p",
            Models = [new ModelSnapshot("topics", 5, 4, 160, 0.8, 0.4, null, 1, null)],
            PrequentialRouge = 0.61, PrequentialLeadRouge = 0.62, Readout = "r", ReadoutGain = 0.63,
            Calibration = new Calibration(0.7, 0.05, [new CalibrationBin(0.4, 0.5, 9)]),
        };
        // Every property is set here, so that one which is added and not carried shows.
        Assert.All(typeof(TelemetrySnapshot).GetProperties(), property => Assert.False(IsDefault(property.GetValue(snapshot)), property.Name));
        Assert.Equivalent(snapshot, Travel(snapshot), strict: true);

        static bool IsDefault(object? value) => value is null || (value.GetType().IsValueType && value.Equals(Activator.CreateInstance(value.GetType())));
    }

    [Fact]
    public void Exceptions_OfCore_ArriveAsTheyWere()
    {
        var full = Travel<Exception>(new BacklogFullException(12, TimeSpan.FromSeconds(5)));
        Assert.Equal(TimeSpan.FromSeconds(5), Assert.IsType<BacklogFullException>(full).RetryAfter);
        Assert.Equal("disk", Assert.IsType<StoreUnavailableException>(Travel<Exception>(new StoreUnavailableException("disk"))).Message);
        Assert.Equal("shape", Assert.IsType<WeightsRejectedException>(Travel<Exception>(new WeightsRejectedException("shape"))).Message);
    }

    private T Travel<T>(T value)
    {
        var serializer = services.GetRequiredService<Serializer<T>>();
        return serializer.Deserialize(serializer.SerializeToArray(value))!;
    }

    private int Bytes<T>(T value) => services.GetRequiredService<Serializer<T>>().SerializeToArray(value).Length;
}
