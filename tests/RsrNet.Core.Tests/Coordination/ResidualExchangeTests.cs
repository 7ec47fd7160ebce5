using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;

namespace RsrNet.Core.Tests.Coordination;

/// <summary>Replicas in the residual mode at the exchange: lessons travel with gradients, and count as often as they do.</summary>
public sealed class ResidualExchangeTests : IDisposable
{
    private readonly ComputeThread thread = new("test");

    public void Dispose() => thread.Dispose();

    [Fact]
    public async Task Contribute_TheSameTwice_TeachesOnce()
    {
        var exchange = Exchange(CoordinationMode.Synchronous);
        var seat = exchange.Open([0], 1)[0];
        var contribution = Share(exchange, seat, Lessons());
        Assert.Equal(Reception.Applied, (await exchange.Contribute(contribution)).Reception);
        var once = Regressions(exchange);
        Assert.Equal(3, once["mean.count"][0]);

        Assert.Equal(Reception.Repeated, (await exchange.Contribute(contribution)).Reception);

        Assert.Equal(once, Regressions(exchange));
        Assert.Equal(1, exchange.Version);
    }

    [Fact]
    public async Task Contribute_AfterTheSeatWasLeft_TeachesNothing()
    {
        var exchange = Exchange(CoordinationMode.Asynchronous);
        var seat = exchange.Open([0], 1)[0];
        exchange.Leave(seat);
        Assert.Equal(Reception.Late, (await exchange.Contribute(Share(exchange, seat, Lessons()))).Reception);
        Assert.Equal(0, Regressions(exchange)["mean.count"][0]);
    }

    [Fact]
    public async Task Contribute_TooOld_TeachesOnlyWhenItIsTaken()
    {
        var options = Options(CoordinationMode.Asynchronous);
        var exchange = Exchange(options with { Coordination = options.Coordination with { StalenessBound = 0 } });
        var seats = (exchange.Open([0], 2)[0], exchange.Open([1], 1)[0]);
        var old = Share(exchange, seats.Item2, Lessons());
        await exchange.Contribute(Share(exchange, seats.Item1, []));
        Assert.Equal(Reception.Stale, (await exchange.Contribute(old)).Reception);
        Assert.Equal(0, Regressions(exchange)["mean.count"][0]);
        Assert.Equal(Reception.Applied, (await exchange.Contribute(Share(exchange, seats.Item2, Lessons()))).Reception);
        Assert.Equal(3, Regressions(exchange)["mean.count"][0]);
    }

    [Fact]
    public async Task Contribute_InAnyOrder_TeachesInTheOrderOfReplicas()
    {
        var lessons = Lessons();
        var first = await Taught(0, 1);
        Assert.Equal(first, await Taught(1, 0));
        Assert.Equal(2, first["mean.count"][0]);

        async Task<IReadOnlyDictionary<string, double[]>> Taught(int early, int late)
        {
            var exchange = Exchange(CoordinationMode.Synchronous);
            var seats = exchange.Open([0, 1], 1);
            var waiting = exchange.Contribute(Share(exchange, seats[early], [lessons[early]]));
            await exchange.Contribute(Share(exchange, seats[late], [lessons[late]]));
            await waiting;
            return Regressions(exchange);
        }
    }

    [Fact]
    public async Task Contribute_NotFinite_TeachesNothing()
    {
        var exchange = Exchange(CoordinationMode.Synchronous);
        var seat = exchange.Open([0], 1)[0];
        var share = Share(exchange, seat, Lessons());
        share.Values[3] = float.NaN;
        Assert.Equal(Reception.NotFinite, (await exchange.Contribute(share)).Reception);
        Assert.Equal(0, Regressions(exchange)["mean.count"][0]);
        Assert.Equal(1, exchange.RefusedGradients);
    }

    [Theory]
    [InlineData(CoordinationMode.Synchronous, 1)]
    [InlineData(CoordinationMode.Asynchronous, 1)]
    [InlineData(CoordinationMode.LocalSteps, 1)]
    [InlineData(CoordinationMode.Synchronous, 3)]
    public async Task Train_AloneAtTheExchange_GivesTheWeightsOfThePlainLoop(CoordinationMode mode, int steps)
    {
        var options = Options(mode);
        options = options with { Residual = options.Residual with { SupervisionSteps = steps } };
        var exchange = Exchange(options);
        using var replica = new TrainingReplica(new ResidualEngine(TinyNews.Shape, options.Recursion), thread, options, TimeProvider.System);
        var seat = exchange.Open([0], steps)[0];
        var documents = Documents();

        var outcome = await replica.Train(new TrainingOrder(0, seat.FirstSequence, [new TrainingBatch(documents, [])]), exchange);

        // The residual mode as one whole, which shares none of this code.
        using var model = new ResidualModel(16, options.Residual, options.Coordination);
        var articles = TinyNews.Articles();
        var judged = model.Predict(articles);
        var lessons = model.Learn(articles, judged);
        var snapshot = exchange.Snapshot(null, "", default);
        Assert.Equal(model.Served.Parameters, snapshot.Served.Parameters);
        Assert.Equal(model.Snapshot("", default).Weights.Parameters, snapshot.Weights.Parameters);
        Assert.Equal(model.Served.Statistics, snapshot.Served.Statistics);
        Assert.Equal(model.Regressions.Tensors(), Regressions(exchange));
        Assert.Equal(model.Version, exchange.Version);
        Assert.Equal(judged.Y[..16], outcome.Documents[0].State!.Y);
        Assert.Equal(lessons.Select(lesson => (float)lesson.Cosine), outcome.Predictions.Select(prediction => prediction.Similarity));
        Assert.Equal(lessons.Select(lesson => lesson.Learned), outcome.Summaries.Select(summary => summary.Learned));
        Assert.All(outcome.Documents, document => Assert.Equal((steps, true), (document.State!.Step, document.State.Loss is not null)));
    }

    [Fact]
    public async Task Train_WithReplays_LearnsThemAgainAndTeachesNothingByThem()
    {
        var options = Options(CoordinationMode.Synchronous);
        var exchange = Exchange(options);
        using var replica = new TrainingReplica(new ResidualEngine(TinyNews.Shape, options.Recursion), thread, options, TimeProvider.System);
        var documents = Documents();
        var seat = exchange.Open([0], 3)[0];
        var batch = new TrainingBatch([documents[0]], []) { Replays = [[documents[1]], [documents[2]]] };
        var outcome = await replica.Train(new TrainingOrder(0, seat.FirstSequence, [batch]), exchange);
        Assert.Equal(3, exchange.Version);
        Assert.Equal(1, Regressions(exchange)["mean.count"][0]);
        Assert.Equal("0", Assert.Single(outcome.Documents).Id);
    }

    private static RsrNetOptions Options(CoordinationMode mode) => new()
    {
        Residual = new ResidualOptions { Hidden = TinyNews.Shape.H, Latent = TinyNews.Shape.L },
        Coordination = new CoordinationOptions { Replicas = 2, Mode = mode },
    };

    private static GradientExchange Exchange(CoordinationMode mode) => Exchange(Options(mode));

    private static GradientExchange Exchange(RsrNetOptions options) => new(
        new Coordinator(RecursionInitialization.Create(TinyNews.Shape, options.Residual.Seed), options.Coordination, options.Residual),
        options.Coordination, options.Recursion);

    private static IReadOnlyDictionary<string, double[]> Regressions(GradientExchange exchange) => exchange.Snapshot(null, "", default).Residual!.Regressions;

    private static Lesson[] Lessons()
    {
        var statistics = new ResidualStatistics(TinyNews.Weights());
        return [.. TinyNews.Articles().Select(article => Lesson.Of(article, article.X, statistics, new SentenceReadout()))];
    }

    private static Document[] Documents() => [.. TinyNews.Articles().Select((article, i) => new Document
    {
        Article = new Article(article.Id, "text") { Highlights = article.Highlights },
        Sequence = i + 1, Revision = 1, IngestedAt = default,
        Embedding = new DocumentEmbedding("test", article.X, article.T) { Sentences = article.Sentences },
    })];

    private static Contribution Share(GradientExchange exchange, TrainingSeat seat, IReadOnlyList<Lesson> lessons)
    {
        var current = exchange.Current;
        return new Contribution
        {
            Term = current.Term, BaseVersion = current.Version, Calls = 0, Statistics = [], Lessons = lessons,
            Parts = [new ContributionPart(seat.Replica, seat.FirstSequence, 2, 1, 1, 0.5)],
            Values = [.. Enumerable.Repeat(0.5f, current.Weights.Parameters.Length)],
        };
    }
}
