using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Coordination;

public sealed class GradientExchangeTests
{
    private static readonly RecursionShape Small = new(6, 5, 3);
    private static readonly RecursionOptions Recursion = new() { StopConfidence = 2 };

    [Fact]
    public async Task Contribute_SharedUpdate_WaitsForTheLastAndIsAppliedOnce()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2 });
        var seats = exchange.Open([0, 1], 3);
        var first = exchange.Contribute(Share(seats[0], 0, rows: 2, value: 1));
        Assert.False(first.IsCompleted);
        Assert.Equal(0, exchange.Version);

        var second = exchange.Contribute(Share(seats[1], 0, rows: 6, value: 3));

        Assert.Equal(new ContributionAnswer(Reception.Applied, 1), await first);
        Assert.Equal(new ContributionAnswer(Reception.Applied, 1), await second);
        // The joined gradient is the mean over rows, 2.5; Adam's first moment shows it, clipped.
        var single = Coordinator();
        single.Apply(Enumerable.Repeat(2.5f, Small3).ToArray(), 1);
        Assert.Equal(single.Optimizer.Mean, exchange.Snapshot(null, "", default).Optimizer!.Mean);
    }

    [Fact]
    public async Task Contribute_ReplicasWithTheSameRows_GiveTheGradientOfTheJoinedBatch()
    {
        // Each replica normalises with its own rows; where these are the same rows, so are the joined batch's statistics.
        var half = RandomBatch.WithState(Small, 4, 3);
        var whole = new RecursionBatch(Small, 8);
        for (var copy = 0; copy < 2; copy++)
        {
            half.X.CopyTo(whole.X, copy * half.X.Length);
            half.T.CopyTo(whole.T, copy * half.T.Length);
            half.Y.CopyTo(whole.Y, copy * half.Y.Length);
            half.Z.CopyTo(whole.Z, copy * half.Z.Length);
        }
        var weights = RandomBatch.Weights(Small, 9);
        var (joined, joinedStatistics, _) = Train(whole, weights);
        var exchange = new GradientExchange(new Coordinator(weights.Clone(), new CoordinationOptions()), new CoordinationOptions { Replicas = 2 }, Recursion, term: 7);
        var seats = exchange.Open([0, 1], 1);
        List<Task> contributions = [];
        foreach (var seat in seats)
        {
            var (gradient, statistics, calls) = Train(half, weights);
            contributions.Add(exchange.Contribute(Share(seat, 0, 4, gradient, statistics, calls)));
        }
        await Task.WhenAll(contributions);

        var alone = new Coordinator(weights.Clone(), new CoordinationOptions());
        alone.Apply(joined, 1);
        var together = exchange.Current.Weights;
        // The sums run over the rows in another order: the gradients differ by rounding. Adam's first step is its sign alone where it is not tiny, so moments are compared.
        Assert.True(Distance(alone.Optimizer.Mean, exchange.Snapshot(null, "", default).Optimizer!.Mean) < 1e-6);
        var mean = weights.Layout.Statistics[weights.Layout.IndexOfStatistic("bn1.running_mean")];
        Assert.True(Distance(mean.Of(joinedStatistics).ToArray(), mean.Of(together.Statistics).ToArray()) < 1e-6);
        Assert.Equal(weights.BatchesTracked + 12, together.BatchesTracked);
    }

    [Fact]
    public async Task Contribute_TheSameTwice_ChangesTheWeightsOnce()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2, Mode = CoordinationMode.Asynchronous });
        var seat = exchange.Open([1], 3)[0];
        var share = Share(seat, 0, 2, 1);
        Assert.Equal(new ContributionAnswer(Reception.Applied, 1), await exchange.Contribute(share));
        var after = exchange.Current.Weights.Parameters.ToArray();

        Assert.Equal(new ContributionAnswer(Reception.Repeated, 1), await exchange.Contribute(share));

        Assert.Equal(after, exchange.Current.Weights.Parameters);
        Assert.Equal(1, exchange.Version);
        Assert.Equal(1, exchange.RepeatedContributions);
    }

    [Fact]
    public async Task Contribute_TheSameTwiceWhileHeld_AnswersBothAndAppliesOnce()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2 });
        var seats = exchange.Open([0, 1], 3);
        var share = Share(seats[0], 0, 2, 1);
        var first = exchange.Contribute(share);
        var again = exchange.Contribute(share);
        await exchange.Contribute(Share(seats[1], 0, 2, 1));
        Assert.Equal(Reception.Applied, (await first).Reception);
        Assert.Equal(Reception.Applied, (await again).Reception);
        Assert.Equal(1, exchange.Version);
    }

    [Fact]
    public async Task Leave_OneOfTwo_TheOtherGoesOnAlone()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2 });
        var seats = exchange.Open([0, 1], 3);
        var waiting = exchange.Contribute(Share(seats[1], 0, 2, 1));
        exchange.Leave(seats[0]);
        Assert.Equal(new ContributionAnswer(Reception.Applied, 1), await waiting);
        Assert.Null(await seats[0].FirstApplied);
        Assert.Equal(1, await seats[1].FirstApplied);
    }

    [Fact]
    public async Task Leave_WithAShareHeld_TakesItAlong()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2 });
        var seats = exchange.Open([0, 1], 3);
        var given = exchange.Contribute(Share(seats[0], 0, 2, 100));
        exchange.Leave(seats[0]);
        Assert.Equal(Reception.Late, (await given).Reception);
        await exchange.Contribute(Share(seats[1], 0, 2, 1));
        var single = Coordinator();
        single.Apply(Enumerable.Repeat(1f, Small3).ToArray(), 1);
        Assert.Equal(single.Optimizer.Mean, exchange.Snapshot(null, "", default).Optimizer!.Mean);
    }

    [Fact]
    public async Task Contribute_AfterItsSeatWasGivenToAnother_IsLate()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2, Mode = CoordinationMode.Asynchronous });
        var old = exchange.Open([0], 3)[0];
        var late = Share(old, 0, 2, 1);
        exchange.Leave(old);
        Assert.Equal(Reception.Late, (await exchange.Contribute(late)).Reception);
        exchange.Open([0], 3);
        Assert.Equal(Reception.Late, (await exchange.Contribute(late)).Reception);
        Assert.Equal(0, exchange.Version);
        Assert.Equal(2, exchange.LateContributions);
    }

    [Fact]
    public async Task Contribute_OfAnotherTerm_IsLate()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2, Mode = CoordinationMode.Asynchronous });
        var seat = exchange.Open([0], 3)[0];
        Assert.Equal(Reception.Late, (await exchange.Contribute(Share(seat, 0, 2, 1) with { Term = 6 })).Reception);
    }

    [Theory]
    [InlineData(0, 1, Reception.Stale)]
    [InlineData(1, 1, Reception.Applied)]
    [InlineData(1, 2, Reception.Stale)]
    [InlineData(3, 3, Reception.Applied)]
    public async Task Contribute_Asynchronous_IsRefusedBeyondTheStalenessBound(int bound, int updatesBetween, Reception expected)
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2, Mode = CoordinationMode.Asynchronous, StalenessBound = bound });
        var slow = exchange.Open([0], 3)[0];
        var fast = exchange.Open([1], 9)[0];
        for (var i = 0; i < updatesBetween; i++) await exchange.Contribute(Share(fast, i, 2, 1) with { BaseVersion = i });

        var answer = await exchange.Contribute(Share(slow, 0, 2, 1));

        Assert.Equal(expected, answer.Reception);
        Assert.Equal(expected == Reception.Stale ? 1 : 0, exchange.StaleContributions);
        if (expected == Reception.Applied) return;
        // Computed anew with the current weights it is taken, under the same number.
        Assert.Equal(Reception.Applied, (await exchange.Contribute(Share(slow, 0, 2, 1) with { BaseVersion = answer.Version })).Reception);
    }

    [Fact]
    public async Task Contribute_AsynchronousFromAnOlderVersion_MovesTheStatisticsAsIfTheBatchesHadComeOneAfterTheOther()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2, Mode = CoordinationMode.Asynchronous });
        var start = exchange.Current.Weights.Statistics.ToArray();
        var seats = exchange.Open([0], 1).Concat(exchange.Open([1], 1)).ToArray();
        var first = Moved(start, batch: 5, calls: 12);
        var second = Moved(start, batch: -2, calls: 12);
        await exchange.Contribute(Share(seats[0], 0, 2, 1) with { Statistics = first, Calls = 12 });
        Assert.Equal(first, exchange.Current.Weights.Statistics);
        await exchange.Contribute(Share(seats[1], 0, 2, 1) with { Statistics = second, Calls = 12 });

        var expected = Moved(first, batch: -2, calls: 12);
        var actual = exchange.Current.Weights.Statistics;
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-6f);
        Assert.Equal(24, exchange.Current.Weights.BatchesTracked);

        static float[] Moved(float[] from, float batch, int calls)
        {
            var moved = from.ToArray();
            for (var call = 0; call < calls; call++)
            {
                for (var i = 0; i < moved.Length; i++) moved[i] = 0.9f * moved[i] + 0.1f * batch;
            }
            return moved;
        }
    }

    [Fact]
    public async Task Contribute_JoinedShares_CountForAllTheirReplicas()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 3 });
        var seats = exchange.Open([0, 1, 2], 3);
        var pair = exchange.Contribute(Contribution.Join([Share(seats[0], 0, 2, 1), Share(seats[2], 0, 2, 1)]));
        Assert.Equal(Reception.Applied, (await exchange.Contribute(Share(seats[1], 0, 2, 1))).Reception);
        Assert.Equal(Reception.Applied, (await pair).Reception);
        Assert.Equal(1, await seats[2].FirstApplied);
    }

    [Fact]
    public async Task Contribute_JoinedSharesOfWhichOneIsThereAlready_AreToComeOneByOne()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 3 });
        var seats = exchange.Open([0, 1, 2], 3);
        var alone = exchange.Contribute(Share(seats[0], 0, 2, 1));
        var pair = Contribution.Join([Share(seats[0], 0, 2, 1), Share(seats[2], 0, 2, 1)]);
        Assert.Equal(Reception.Split, (await exchange.Contribute(pair)).Reception);
        var other = exchange.Contribute(Share(seats[2], 0, 2, 1));
        await exchange.Contribute(Share(seats[1], 0, 2, 1));
        Assert.Equal(Reception.Applied, (await alone).Reception);
        Assert.Equal(Reception.Applied, (await other).Reception);
        Assert.Equal(1, exchange.Version);
    }

    [Fact]
    public async Task Contribute_NotFinite_IsRefusedAndChangesNothing()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2 });
        var before = exchange.Current.Weights.Parameters.ToArray();
        var seats = exchange.Open([0, 1], 3);
        var good = exchange.Contribute(Share(seats[0], 0, 2, 1));
        Assert.Equal(Reception.NotFinite, (await exchange.Contribute(Share(seats[1], 0, 2, float.NaN))).Reception);
        Assert.Equal(Reception.NotFinite, (await good).Reception);
        Assert.Equal(before, exchange.Current.Weights.Parameters);
        Assert.Equal(1, exchange.RefusedGradients);
    }

    [Fact]
    public async Task Adopt_WhileASharedUpdateIsHeld_HasItComputedAnew()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2, StalenessBound = 100 });
        var seats = exchange.Open([0, 1], 3);
        var held = exchange.Contribute(Share(seats[0], 0, 2, 1));
        exchange.Adopt(new Checkpoint(0, null, "", RecursionInitialization.Create(Small, 77), null, default, null));
        Assert.Equal(new ContributionAnswer(Reception.Stale, 1), await held);
        Assert.Equal(Reception.Stale, (await exchange.Contribute(Share(seats[1], 0, 2, 1))).Reception);
    }

    [Fact]
    public async Task Contribute_LocalSteps_AveragesWeightsAndMomentsByRows()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2, Mode = CoordinationMode.LocalSteps });
        Assert.NotNull(exchange.Current.Optimizer);
        var seats = exchange.Open([0, 1], 1);
        var few = Enumerable.Repeat(1f, 3 * Small3).ToArray();
        var many = Enumerable.Repeat(5f, 3 * Small3).ToArray();
        var first = exchange.Contribute(Share(seats[0], 0, 1, few) with { Parts = [new ContributionPart(0, seats[0].FirstSequence, 1, 4, 1, 0.5)] });
        await exchange.Contribute(Share(seats[1], 0, 3, many) with { Parts = [new ContributionPart(1, seats[1].FirstSequence, 3, 6, 1, 0.5)] });
        Assert.Equal(new ContributionAnswer(Reception.Applied, 6), await first);
        var snapshot = exchange.Snapshot(null, "", default);
        Assert.All(snapshot.Weights.Parameters, value => Assert.Equal(4f, value));
        Assert.All(snapshot.Optimizer!.Variance, value => Assert.Equal(4f, value));
        Assert.Equal(6, snapshot.Optimizer.Step);
    }

    [Fact]
    public async Task Contribute_MeanConfidenceOverTheLimit_StopsAll()
    {
        var exchange = new GradientExchange(Coordinator(), new CoordinationOptions { Replicas = 2 }, new RecursionOptions { StopConfidence = 0.6 }, term: 7);
        var seats = exchange.Open([0, 1], 3);
        var first = exchange.Contribute(Share(seats[0], 0, 1, 1) with { Parts = [new ContributionPart(0, seats[0].FirstSequence, 1, 1, 1, 0.5)] });
        await exchange.Contribute(Share(seats[1], 0, 3, 1) with { Parts = [new ContributionPart(1, seats[1].FirstSequence, 3, 1, 1, 0.65)] });
        Assert.True((await first).Stop);
    }

    [Fact]
    public async Task Contribute_OthersTakeLong_AnswersThatItIsHeldAndMayComeAgain()
    {
        var exchange = new GradientExchange(Coordinator(), new CoordinationOptions { Replicas = 2 }, Recursion, term: 7, time: new HastyTime());
        var seats = exchange.Open([0, 1], 3);
        var share = Share(seats[0], 0, 2, 1);
        Assert.Equal(Reception.Held, (await exchange.Contribute(share)).Reception);
        await exchange.Contribute(Share(seats[1], 0, 2, 1));
        Assert.Equal(new ContributionAnswer(Reception.Repeated, 1), await exchange.Contribute(share));
    }

    [Fact]
    public void Open_ReplicaWithWork_IsAnError()
    {
        var exchange = Open(new CoordinationOptions { Replicas = 2 });
        exchange.Open([0], 1);
        Assert.Throws<InvalidOperationException>(() => exchange.Open([0], 1));
        Assert.Throws<InvalidOperationException>(() => exchange.Open([1], 1));
    }

    private static int Small3 => ParameterLayout.Of(Small).ParameterCount;

    private static Coordinator Coordinator() => new(RecursionInitialization.Create(Small, 5), new CoordinationOptions());

    private static GradientExchange Open(CoordinationOptions options) => new(Coordinator(), options, Recursion, term: 7);

    private static Contribution Share(TrainingSeat seat, int number, int rows, float value) =>
        Share(seat, number, rows, Enumerable.Repeat(value, Small3).ToArray());

    private static Contribution Share(TrainingSeat seat, int number, int rows, float[] values, float[]? statistics = null, long calls = 0, long term = 7) => new()
    {
        Term = term,
        BaseVersion = 0,
        Parts = [new ContributionPart(seat.Replica, seat.FirstSequence + number, rows, 1, 1, 0.5)],
        Values = values,
        Statistics = statistics ?? RecursionInitialization.Create(Small, 5).Statistics,
        Calls = calls,
    };

    private static (float[] Gradient, float[] Statistics, long Calls) Train(RecursionBatch batch, RecursionWeights weights)
    {
        using var engine = new ReferenceEngine(Small, Recursion);
        engine.Load(weights);
        var copy = new RecursionBatch(Small, batch.Rows);
        batch.X.CopyTo(copy.X, 0);
        batch.T.CopyTo(copy.T, 0);
        batch.Y.CopyTo(copy.Y, 0);
        batch.Z.CopyTo(copy.Z, 0);
        var gradient = new float[weights.Parameters.Length];
        engine.Train(copy, gradient);
        var statistics = new RecursionWeights(Small);
        engine.ReadStatistics(statistics);
        return (gradient, statistics.Statistics, statistics.BatchesTracked - weights.BatchesTracked);
    }

    private static double Distance(float[] a, float[] b)
    {
        double difference = 0, norm = 0;
        for (var i = 0; i < a.Length; i++)
        {
            difference += Math.Pow((double)a[i] - b[i], 2);
            norm += (double)a[i] * a[i];
        }
        return Math.Sqrt(difference / norm);
    }

    /// <summary>Every timer is over at once.</summary>
    private sealed class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
