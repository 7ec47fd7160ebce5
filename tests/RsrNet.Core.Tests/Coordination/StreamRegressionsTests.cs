using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;

namespace RsrNet.Core.Tests.Coordination;

public sealed class StreamRegressionsTests
{
    private static readonly ResidualOptions Options = new() { ReadoutWindow = 40 };

    [Fact]
    public void Restored_PublishesTheSame_AndGoesOnTheSame()
    {
        var first = Taught(130);
        var second = new StreamRegressions(16, Options);
        second.Restore(first.Tensors());
        Assert.Equal(Published(first), Published(second));
        foreach (var regressions in (StreamRegressions[])[first, second]) regressions.Observe(LessonOf(1));
        Assert.Equal(Published(first), Published(second));
    }

    [Fact]
    public void BrokenState_IsNamed_AndChangesNothing()
    {
        var regressions = Taught(3);
        var before = Published(regressions);
        var tensors = new Dictionary<string, double[]>(Taught(5).Tensors()) { ["pool.gram"] = [1, 2] };
        Assert.Contains("'pool.gram' has 2 numbers", Assert.Throws<WeightsRejectedException>(() => regressions.Restore(tensors)).Message, StringComparison.Ordinal);
        tensors.Remove("pool.gram");
        Assert.Contains("'pool.gram' is missing", Assert.Throws<WeightsRejectedException>(() => regressions.Restore(tensors)).Message, StringComparison.Ordinal);
        tensors = new Dictionary<string, double[]>(Taught(5).Tensors()) { ["scale.moment"] = [double.NaN] };
        Assert.Contains("not finite", Assert.Throws<WeightsRejectedException>(() => regressions.Restore(tensors)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Published(regressions));
    }

    [Fact]
    public void Readout_OpensWhenItHasProvedBetter_AndClosesWhenItIsNot()
    {
        var regressions = new StreamRegressions(16, Options);
        var (better, worse) = (0.45, 0.2);
        for (var i = 0; i < 19; i++) regressions.Observe(LessonOf(i) with { Learned = better, Lead = worse });
        Assert.False(Open(regressions), "19 articles are too few");
        regressions.Observe(LessonOf(0) with { Learned = better, Lead = worse });
        Assert.True(Open(regressions));
        for (var i = 0; i < 25; i++) regressions.Observe(LessonOf(i) with { Learned = worse, Lead = better });
        Assert.False(Open(regressions));
        Assert.True(regressions.ReadoutGain < 0);
    }

    [Fact]
    public void OptionOutOfRange_IsNamed()
    {
        var problem = Assert.Throws<ArgumentException>(() => new StreamRegressions(16, Options with { Forgetting = 1.5 }));
        Assert.Contains("Residual.Forgetting", problem.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => (Options with { Anchor = -1 }).Check());
        Assert.Throws<ArgumentException>(() => (Options with { ReservoirSize = 0 }).Check());
        Options.Check();
    }

    /// <summary>Forgetting: after as many articles of one kind as of the other, the newer kind weighs more.</summary>
    [Fact]
    public void Forgetting_ChangesWhatIsFound()
    {
        var (keeps, forgets) = (new StreamRegressions(16, Options with { Forgetting = 1 }), new StreamRegressions(16, Options with { Forgetting = 0.8 }));
        foreach (var regressions in (StreamRegressions[])[keeps, forgets])
        {
            for (var i = 0; i < 60; i++) regressions.Observe(LessonOf(i) with { Scale = i < 30 ? 0.2 : 0.6 });
        }
        Assert.InRange(ScaleOf(keeps), 0.39f, 0.45f);
        Assert.InRange(ScaleOf(forgets), 0.59f, 0.7f);
    }

    [Fact]
    public void LessonThatIsNoNumber_ChangesNothing()
    {
        var regressions = Taught(20);
        var before = Published(regressions);
        var sound = LessonOf(1);
        foreach (var broken in (Lesson[])[
            sound with { Cosine = double.NaN }, sound with { Scale = double.PositiveInfinity }, sound with { T = [.. sound.T[1..], float.NaN] },
            sound with { PairMoment = [.. sound.PairMoment[1..], double.NaN] }])
        {
            Assert.False(regressions.Observe(broken));
        }
        Assert.Equal(before, Published(regressions));
        Assert.True(regressions.Observe(sound));
    }

    /// <summary>After a drift: 30 articles of one kind that count for 5 against 10 of the other.</summary>
    [Fact]
    public void Forget_LetsTheOlderArticlesCountForFewer()
    {
        var (keeps, forgets) = (new StreamRegressions(16, Options with { Forgetting = 1 }), new StreamRegressions(16, Options with { Forgetting = 1 }));
        foreach (var regressions in (StreamRegressions[])[keeps, forgets])
        {
            for (var i = 0; i < 30; i++) regressions.Observe(LessonOf(i) with { Scale = 0.2, X = [.. Enumerable.Repeat(1f, 16)] });
            if (regressions == forgets) regressions.Forget(5);
            for (var i = 0; i < 10; i++) regressions.Observe(LessonOf(i) with { Scale = 0.6, X = new float[16] });
        }
        // The prior counts for one observation of 1.
        Assert.Equal((30 * 0.2 + 10 * 0.6 + 1) / 41, ScaleOf(keeps), 1e-5);
        Assert.Equal((5 * 0.2 + 10 * 0.6 + 1) / 16, ScaleOf(forgets), 1e-5);
        Assert.Equal(0.75, keeps.Tensors()["mean.x"][0], 1e-9);
        Assert.Equal(5.0 / 15, forgets.Tensors()["mean.x"][0], 1e-9);
        Assert.Equal(15, forgets.Tensors()["words.reference.gram"][0], 1e-9);
    }

    [Fact]
    public void Forget_OfNoMoreThanThereIs_ChangesNothing()
    {
        var regressions = Taught(20);
        var before = Published(regressions);
        regressions.Forget(20);
        regressions.Forget(1_000);
        Assert.Equal(before, Published(regressions));
    }

    [Fact]
    public void WeightAverage_ComesCloserToTheTrainedWeights_ByItsDecay()
    {
        var trained = TinyNews.Weights();
        var average = new WeightAverage(RecursionInitialization.Create(TinyNews.Shape, 1), decay: 0.5);
        var before = average.Weights.Parameters[0];
        average.Add(trained); // the warm-up's decay, 2 / 11
        Assert.Equal(before * 2 / 11 + trained.Parameters[0] * 9 / 11, average.Weights.Parameters[0], 1e-6f);
        for (var i = 0; i < 40; i++) average.Add(trained);
        Assert.Equal(trained.Parameters[0], average.Weights.Parameters[0], 1e-5f);
        Assert.Equal(trained.Statistics, average.Weights.Statistics);
    }

    private static StreamRegressions Taught(int lessons)
    {
        var regressions = new StreamRegressions(16, Options);
        for (var i = 0; i < lessons; i++) regressions.Observe(LessonOf(i));
        return regressions;
    }

    private static Lesson LessonOf(int index)
    {
        var articles = TinyNews.Articles();
        return Lesson.Of(articles[index % articles.Count], articles[index % articles.Count].X, new ResidualStatistics(TinyNews.Weights(index % 7)), new SentenceReadout());
    }

    private static float[] Published(StreamRegressions regressions)
    {
        var weights = new RecursionWeights(TinyNews.Shape);
        regressions.Publish(weights);
        return weights.Statistics;
    }

    private static bool Open(StreamRegressions regressions)
    {
        var weights = new RecursionWeights(TinyNews.Shape);
        regressions.Publish(weights);
        return new ResidualStatistics(weights).ReadoutOpen > 0;
    }

    private static float ScaleOf(StreamRegressions regressions)
    {
        var weights = new RecursionWeights(TinyNews.Shape);
        regressions.Publish(weights);
        return new ResidualStatistics(weights).Scale;
    }
}
