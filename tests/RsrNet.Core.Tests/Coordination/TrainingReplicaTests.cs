using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Coordination;

public sealed class TrainingReplicaTests : IDisposable
{
    private static readonly RecursionShape Small = new(6, 5, 3);
    private readonly ComputeThread thread = new("test");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => thread.Dispose();

    [Theory]
    [InlineData(CoordinationMode.Synchronous)]
    [InlineData(CoordinationMode.Asynchronous)]
    [InlineData(CoordinationMode.LocalSteps)]
    public async Task Train_AloneAtTheExchange_GivesTheWeightsOfThePlainLoop(CoordinationMode mode)
    {
        var options = Options(mode);
        var exchange = new GradientExchange(Coordinator(), options.Coordination, options.Replicas);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        var documents = Documents(5);
        var seat = exchange.Open([0], 3)[0];

        var outcome = await replica.Train(new TrainingOrder(0, seat.FirstSequence, [new TrainingBatch(documents, [])]), exchange);

        using var engine = new ReferenceEngine(Small, options.Replicas);
        using var plain = new Replica(engine);
        var coordinator = Coordinator();
        plain.Place(documents);
        var last = plain.Train(new Supervision(engine, coordinator, options.Replicas)).Last();
        Assert.Equal(coordinator.Weights.Parameters, exchange.Current.Weights.Parameters);
        Assert.Equal(coordinator.Weights.Statistics, exchange.Current.Weights.Statistics);
        Assert.Equal(coordinator.Weights.BatchesTracked, exchange.Current.Weights.BatchesTracked);
        Assert.Equal(last.Version, exchange.Version);
        Assert.Equal(last.Loss, outcome.Loss);
        Assert.Equal(plain.Y(4), outcome.Documents[4].State!.Y);
        Assert.Equal(3, outcome.Documents[4].State!.Step);
        Assert.Equal(plain.Batch.RowLoss[4], outcome.Documents[4].State!.Loss);
    }

    [Fact]
    public async Task Train_BeforeLearning_ScoresWithTheWeightsFromBefore()
    {
        var options = Options(CoordinationMode.Synchronous);
        var exchange = new GradientExchange(Coordinator(), options.Coordination, options.Replicas);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        var documents = Documents(4);
        var seat = exchange.Open([0], 3)[0];
        var outcome = await replica.Train(new TrainingOrder(0, seat.FirstSequence, [new TrainingBatch(documents, [])]), exchange);

        using var plain = new Replica(new ReferenceEngine(Small, options.Replicas));
        plain.Load(Coordinator().Weights, 0);
        plain.Place(documents);
        Assert.Equal(plain.Predict(documents, 3), outcome.Predictions);
    }

    [Fact]
    public async Task Train_GradientTooOld_IsComputedAnewWithTheNewestWeights()
    {
        var options = Options(CoordinationMode.Asynchronous);
        options = options with { Replicas = options.Replicas with { SupervisionSteps = 1 } };
        var exchange = new GradientExchange(Coordinator(), options.Coordination with { StalenessBound = 0 }, options.Replicas);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        var documents = Documents(5);
        var (slow, other) = (exchange.Open([0], 1)[0], exchange.Open([1], 1)[0]);
        // Between its gradient and its bringing it, another replica's update comes.
        var interrupted = new Interruption(exchange, async () => await exchange.Contribute(Constant(exchange, other)));

        var outcome = await replica.Train(new TrainingOrder(0, slow.FirstSequence, [new TrainingBatch(documents, [])]), interrupted);

        Assert.Equal(1, exchange.StaleContributions);
        Assert.Equal(2, exchange.Version);
        Assert.Equal(2, outcome.Documents[0].State!.WeightVersion);
        var expected = new GradientExchange(Coordinator(), options.Coordination, options.Replicas);
        await expected.Contribute(Constant(expected, expected.Open([1], 1)[0]));
        var seat = expected.Open([0], 1)[0];
        await replica.Train(new TrainingOrder(0, seat.FirstSequence, [new TrainingBatch(documents, [])]), expected);
        Assert.Equal(expected.Current.Weights.Parameters, exchange.Current.Weights.Parameters);
        Assert.Equal(expected.Current.Weights.Statistics, exchange.Current.Weights.Statistics);
    }

    [Fact]
    public async Task Train_GivenUpAfterTheFirstStep_KeepsThatStep()
    {
        var options = Options(CoordinationMode.Asynchronous);
        var exchange = new GradientExchange(Coordinator(), options.Coordination, options.Replicas);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        var seat = exchange.Open([0], 3)[0];
        var steps = 0;
        var interrupted = new Interruption(exchange, () =>
        {
            if (++steps == 2) exchange.Leave(seat);
            return Task.CompletedTask;
        });
        var outcome = await replica.Train(new TrainingOrder(0, seat.FirstSequence, [new TrainingBatch(Documents(3), [])]), interrupted);
        Assert.True(outcome.Late);
        Assert.Equal(1, outcome.Documents[0].State!.Step);
        Assert.Equal(1, await seat.FirstApplied.WaitAsync(Cancellation));
    }

    [Fact]
    public async Task Train_OrderOfAnOlderTerm_BringsNothingToTheNewOne()
    {
        var options = Options(CoordinationMode.Asynchronous);
        var exchange = new GradientExchange(Coordinator(), options.Coordination, options.Replicas, term: 2);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        exchange.Open([0], 3); // somebody else's, with the same sequences
        var outcome = await replica.Train(new TrainingOrder(0, 1, [new TrainingBatch(Documents(3), [])]) { Term = 1 }, exchange);
        Assert.True(outcome.Late);
        Assert.Equal(0, exchange.Version);
    }

    [Fact]
    public async Task Train_TermThatEndsInBetween_KeepsWhatWasAppliedAndBringsNothingMore()
    {
        var options = Options(CoordinationMode.Asynchronous);
        var before = new GradientExchange(Coordinator(), options.Coordination, options.Replicas, term: 1);
        var after = new GradientExchange(Coordinator(), options.Coordination, options.Replicas, term: 2);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        before.Open([0], 3);
        after.Open([0], 3);
        var outcome = await replica.Train(
            new TrainingOrder(0, 1, [new TrainingBatch(Documents(3), [])]) { Term = 1 }, new Succession(before, after, versions: 1));
        Assert.True(outcome.Late);
        Assert.Equal((1, 0), (before.Version, after.Version));
        Assert.Equal(1, outcome.Documents[0].State!.Step);
    }

    [Fact]
    public async Task Train_TwoOrdersAtOnce_AreLearnedFromOneAfterTheOther()
    {
        var options = Options(CoordinationMode.Asynchronous);
        var exchange = new GradientExchange(Coordinator(), options.Coordination, options.Replicas);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        var (first, second) = (exchange.Open([0], 3)[0], exchange.Open([1], 3)[0]);
        var documents = Documents(6);
        var outcomes = await Task.WhenAll(
            replica.Train(new TrainingOrder(0, first.FirstSequence, [new TrainingBatch(documents[..3], [])]), exchange),
            replica.Train(new TrainingOrder(1, second.FirstSequence, [new TrainingBatch(documents[3..], [])]), exchange));
        Assert.Equal([3, 6], outcomes.Select(outcome => outcome.Documents[0].State!.WeightVersion).Order());
    }

    [Fact]
    public async Task Train_WithAGuest_LearnsFromBothAndLeavesTheGuestAsItWas()
    {
        var options = Options(CoordinationMode.Synchronous);
        var exchange = new GradientExchange(Coordinator(), options.Coordination, options.Replicas);
        using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
        var documents = Documents(2);
        var seat = exchange.Open([0], 3)[0];
        var outcome = await replica.Train(new TrainingOrder(0, seat.FirstSequence, [new TrainingBatch([documents[0]], [documents[1]])]), exchange);
        Assert.Equal("d0", Assert.Single(outcome.Documents).Id);
        Assert.Single(outcome.Predictions);
        Assert.Equal(3, exchange.Version);
    }

    [Fact]
    public async Task Train_InBFloat16_StaysNearTheExactGradient()
    {
        var exact = await Moments(GradientPrecision.Single);
        var rounded = await Moments(GradientPrecision.BFloat16);
        double difference = 0, norm = 0;
        for (var i = 0; i < exact.Length; i++)
        {
            difference += Math.Pow((double)exact[i] - rounded[i], 2);
            norm += (double)exact[i] * exact[i];
        }
        var relative = Math.Sqrt(difference / norm);
        // Each element is off by 1/256 of itself at most, and by 0.0017 of it in the quadratic mean if its digits are even.
        Assert.InRange(relative, 1e-4, 1.0 / 256);

        async Task<float[]> Moments(GradientPrecision precision)
        {
            var options = Options(CoordinationMode.Synchronous);
            options = options with
            {
                Coordination = options.Coordination with { GradientPrecision = precision },
                Replicas = options.Replicas with { SupervisionSteps = 1 },
            };
            var exchange = new GradientExchange(Coordinator(), options.Coordination, options.Replicas);
            using var replica = new TrainingReplica(new ReferenceEngine(Small, options.Replicas), thread, options, TimeProvider.System);
            var seat = exchange.Open([0], 1)[0];
            await replica.Train(new TrainingOrder(0, seat.FirstSequence, [new TrainingBatch(Documents(8), [])]), exchange);
            return exchange.Snapshot(null, "", default).Optimizer!.Mean;
        }
    }

    private static RsrNetOptions Options(CoordinationMode mode) => new()
    {
        Learning = LearningMode.Notebook,
        Replicas = new RecursionOptions { Hidden = Small.H, Latent = Small.L, StopConfidence = 2 },
        Coordination = new CoordinationOptions { Replicas = 2, Mode = mode },
    };

    private static Coordinator Coordinator() => new(RecursionInitialization.Create(Small, 5), new CoordinationOptions());

    private static Document[] Documents(int count)
    {
        var random = new SplitMix64(11);
        return [.. Enumerable.Range(0, count).Select(i => new Document
        {
            Article = new Article($"d{i}", "text") { Highlights = ["highlight"] },
            Sequence = i + 1, Revision = 1, IngestedAt = default,
            Embedding = new DocumentEmbedding("test", Vector(ref random), Vector(ref random)),
        })];

        static float[] Vector(ref SplitMix64 random)
        {
            var vector = new float[Small.D];
            foreach (ref var element in vector.AsSpan()) element = random.NextUniform(1);
            return vector;
        }
    }

    private static Contribution Constant(GradientExchange exchange, TrainingSeat seat)
    {
        var current = exchange.Current;
        return new Contribution
        {
            Term = current.Term, BaseVersion = current.Version, Calls = 0,
            Parts = [new ContributionPart(seat.Replica, seat.FirstSequence, 2, 1, 1, 0.5)],
            Values = [.. Enumerable.Repeat(0.5f, current.Weights.Parameters.Length)],
            Statistics = [.. current.Weights.Statistics],
        };
    }

    /// <summary>A coordinator, and the one that takes over after so many versions.</summary>
    private sealed class Succession(GradientExchange first, GradientExchange second, long versions) : IGradientExchange
    {
        private GradientExchange Current => first.Version >= versions ? second : first;

        public Task<PublishedWeights> ReadWeights(long atLeast) => Current.ReadWeights(atLeast);

        public Task<ContributionAnswer> Contribute(Contribution contribution) => Current.Contribute(contribution);
    }

    /// <summary>Does something before the first contribution arrives, and each one after it.</summary>
    private sealed class Interruption(GradientExchange exchange, Func<Task> before) : IGradientExchange
    {
        private bool once;

        public Task<PublishedWeights> ReadWeights(long atLeast) => exchange.ReadWeights(atLeast);

        public async Task<ContributionAnswer> Contribute(Contribution contribution)
        {
            if (!once || contribution.Parts[0].Sequence > 1) await before();
            once = true;
            return await exchange.Contribute(contribution);
        }
    }
}
