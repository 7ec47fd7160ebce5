using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Grains;
using RsrNet.Grains.Coordination;
using RsrNet.Server;
using RsrNet.Server.Documents;
using RsrNet.Server.Tests.Documents;
using RsrNet.Silo;

namespace RsrNet.Cluster.Tests.Silo;

/// <summary>
/// The figures of deploy/README.md, measured where this runs. They pass whatever comes out, and run only when asked for:
/// <c>dotnet run -c Release --project tests/RsrNet.Cluster.Tests -- -explicit only -showliveoutput</c>.
/// </summary>
public sealed class ClusterFigures(PostgresServer postgres) : IClassFixture<PostgresServer>
{
    private const int Articles = 1000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static RecursionShape Shape { get; } = new(768, 128, 64);

    [Fact(Explicit = true)]
    public async Task GradientsAndReads_BetweenTwoProcesses()
    {
        using var cluster = await PostgresCluster.Create(postgres);
        await using var silo = await cluster.Launch(cluster.Configuration("Cpu"));
        await using var gateway = (ClusterProcess)await cluster.Start(cluster.Configuration("Gateway"), Cancellation);
        var coordinator = gateway.Grains.GetGrain<ICoordinatorGrain>(0);
        var current = await coordinator.ReadWeights(0);
        foreach (var precision in Enum.GetValues<GradientPrecision>())
        {
            var gradient = Gradient(current, precision);
            var before = GC.GetTotalAllocatedBytes(precise: true);
            // Of a term that is over: received, read, and turned away, which is all of the way there and back.
            var milliseconds = await Median(100, () => coordinator.Contribute(gradient));
            var allocated = (GC.GetTotalAllocatedBytes(precise: true) - before) / 100;
            var bytes = gradient.Values.Length * (precision == GradientPrecision.Single ? 4 : 2);
            Say($"gradient there and back, {precision}: {bytes:N0} bytes, {milliseconds:0.00} ms, {allocated:N0} bytes allocated by the sender");
        }
        var weights = await Median(50, () => coordinator.ReadWeights(0));
        Say($"weights from the coordinator: {current.Weights.Parameters.Length * 4:N0} bytes, {weights:0.00} ms");

        await gateway.Learner.Ingest([.. new DemoNewswire().From().Take(200)], Cancellation);
        await LearningCluster.Settled(gateway.Learner, 200);
        var reads = 0;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async reader =>
        {
            for (var i = reader; watch.Elapsed.TotalSeconds < 5; i = (i + 7) % 200)
            {
                await gateway.Learner.Find($"demo-42-{i:0000000}", Cancellation);
                Interlocked.Increment(ref reads);
            }
        }));
        Say($"documents read through a gateway, whole, 32 at a time: {reads / watch.Elapsed.TotalSeconds:N0} a second from one silo");
    }

    /// <summary>A batch of 32 documents of the residual mode, whose lessons go with its gradient.</summary>
    [Fact(Explicit = true)]
    public async Task GradientWithLessons_BetweenTwoProcesses()
    {
        using var cluster = await PostgresCluster.Create(postgres);
        await using var silo = await cluster.Launch(cluster.Configuration("Cpu", learning: "Residual"));
        await using var gateway = (ClusterProcess)await cluster.Start(cluster.Configuration("Gateway", learning: "Residual"), Cancellation);
        var coordinator = gateway.Grains.GetGrain<ICoordinatorGrain>(0);
        var current = await coordinator.ReadWeights(0);
        var reader = new ArticleReader(new HashedEncoder(), readsSentences: true);
        var (statistics, readout) = (new ResidualStatistics(current.Served), new SentenceReadout());
        Lesson[] lessons = [.. new DemoNewswire().From().Where(article => article.HasHighlights).Take(32).Select(article =>
        {
            var embedding = reader.Read(new Document { Article = article, Sequence = 1, Revision = 1, IngestedAt = default }).Embedding!;
            return Lesson.Of(new ReadArticle(article.Id, embedding.X, embedding.T, embedding.Sentences!, article.Highlights), embedding.X, statistics, readout);
        })];
        var gradient = Gradient(current, GradientPrecision.Single) with { Statistics = [], Calls = 0, Lessons = lessons };
        using var services = new ServiceCollection().AddSerializer(wire => wire.AddAssembly(typeof(ClusterLearner).Assembly)).BuildServiceProvider();
        var bytes = services.GetRequiredService<Serializer<Contribution>>().SerializeToArray(gradient).Length;
        var weights = services.GetRequiredService<Serializer<PublishedWeights>>().SerializeToArray(current).Length;
        var milliseconds = await Median(100, () => coordinator.Contribute(gradient));
        Say($"gradient of the residual mode with the lessons of 32 documents there and back: {bytes:N0} bytes, {milliseconds:0.00} ms; weights with their average: {weights:N0} bytes");
    }

    /// <summary>What replicas of a text model would send each other if they were silos, beside the step that they would share.</summary>
    [Fact(Explicit = true)]
    public async Task TextModels_StepsBesideWhatAnExchangeWouldCarry()
    {
        using var cluster = await PostgresCluster.Create(postgres);
        await using var silo = await cluster.Launch(cluster.Configuration("Cpu"));
        await using var gateway = (ClusterProcess)await cluster.Start(cluster.Configuration("Gateway"), Cancellation);
        var coordinator = gateway.Grains.GetGrain<ICoordinatorGrain>(0);
        var current = await coordinator.ReadWeights(0);
        var articles = new DemoNewswire().From().Take(1280).ToArray();
        foreach (var options in (ModelOptions[])[new ModelOptions { Label = "topic" }, new ModelOptions { Kind = ModelKind.LanguageModel }])
        {
            using TextModel model = options.Kind == ModelKind.Classifier
                ? new TextClassifier(options, new WordVocabulary(options.MinimumCount, options.VocabularyLimit))
                : new LanguageModel(options, new WordVocabulary(options.MinimumCount, options.VocabularyLimit));
            var (updates, rows, milliseconds) = (0L, 0L, new List<double>());
            foreach (var (number, batch) in articles.Chunk(options.BatchSize).Index())
            {
                var began = Stopwatch.GetTimestamp();
                var before = model.Updates;
                if (model is TextClassifier classifier) classifier.Learn([.. batch.Select(article => new LabelledText(ModelRunner.TextOf(article), article.Labels["topic"]))]);
                else ((LanguageModel)model).Learn([.. batch.Select(ModelRunner.TextOf)]);
                var made = model.Updates - before;
                // The first batches bring most of the words, and the network grows.
                if (number < 10) continue;
                milliseconds.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds / made);
                rows += Touched(model, options, batch);
                updates += made;
            }
            milliseconds.Sort();
            var network = model.Network.Parameters;
            var dense = network.Parameters.Where(parameter => !parameter.IsTable).Sum(parameter => parameter.Length);
            var numbers = dense + (int)(rows / updates) * options.Embedding;
            var gradient = Gradient(current, GradientPrecision.Single) with { Values = new float[numbers], Statistics = [], Calls = 0 };
            var way = await Median(100, () => coordinator.Contribute(gradient));
            Say($"{options.Kind}: {model.Vocabulary.Count:N0} words, {network.Values.Length:N0} parameters, {dense:N0} of them in no table; an update touches {rows / updates:N0} rows and takes {milliseconds[milliseconds.Count / 2]:0.0} ms on one thread; {numbers * 4:N0} bytes of gradient to another process and an answer: {way:0.00} ms, and as much for the changed weights");
        }
    }

    /// <summary>Rows of the table, over the updates of a batch.</summary>
    private static int Touched(TextModel model, ModelOptions options, Article[] batch)
    {
        var window = options.Kind == ModelKind.LanguageModel ? options.Window : options.MaxTokens;
        var texts = batch.Select(article =>
        {
            var tokens = new List<int>();
            model.Vocabulary.Encode(ModelRunner.TextOf(article), tokens);
            return tokens.Take(options.MaxTokens).ToArray();
        }).ToArray();
        return Enumerable.Range(0, (options.MaxTokens + window - 1) / window).Sum(part => texts.SelectMany(tokens => tokens.Skip(part * window).Take(window)).Distinct().Count());
    }

    [Fact(Explicit = true)]
    public async Task Updates_OfTheCoordinator()
    {
        var options = new CoordinationOptions();
        var exchange = new GradientExchange(
            new Coordinator(RecursionInitialization.Create(Shape, 1), options), options, new RecursionOptions(), term: 1);
        const int Updates = 500;
        var seat = exchange.Open([0], Updates)[0];
        var gradient = Gradient(exchange.Current, GradientPrecision.Single);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < Updates; i++)
        {
            var answer = await exchange.Contribute(gradient with
            {
                Term = 1, BaseVersion = i, Parts = [new ContributionPart(0, seat.FirstSequence + i, 32, 1, 0.1f, 0.5)],
            });
            Assert.Equal(Reception.Applied, answer.Reception);
            _ = exchange.Current; // what replicas fetch
        }
        Say($"updates applied and published by a coordinator: {Updates / watch.Elapsed.TotalSeconds:N0} a second, {Shape} parameters {gradient.Values.Length:N0}");
    }

    [Theory(Explicit = true)]
    [InlineData(LearningMode.Residual)]
    [InlineData(LearningMode.Notebook)]
    public async Task Articles_FromIngestToTheirSummary(LearningMode learning)
    {
        DemoArticles(Articles); // made before the clock runs
        var local = await LocalSeconds(learning);
        Say($"{Articles:N0} articles, {learning}, LocalLearner over PostgreSQL: {local:0.0} s");
        foreach (var silos in (int[])[1, 2, 3])
        {
            var seconds = await ClusterSeconds(silos, learning);
            Say($"{Articles:N0} articles, {learning}, {silos} silos of as many processes, batch 32 shared by {silos}: {seconds:0.0} s, {seconds / local:0.00} times LocalLearner's");
        }
    }

    private async Task<double> LocalSeconds(LearningMode learning)
    {
        using var cluster = await PostgresCluster.Create(postgres);
        await using var storage = await ServerStorage.Open(new ServerOptions { Database = cluster.Database }, new(), cancellation: Cancellation);
        await using var learner = await LocalLearner.Open(new RsrNetOptions { Learning = learning }, new HashedEncoder(), storage.Documents, storage.Checkpoints, cancellation: Cancellation);
        learner.Start();
        return await Seconds(learner, cluster);
    }

    private async Task<double> ClusterSeconds(int silos, LearningMode learning)
    {
        using var cluster = await PostgresCluster.Create(postgres);
        List<SiloProcess> processes = [];
        try
        {
            for (var i = 0; i < silos; i++) processes.Add(await cluster.Launch(cluster.Configuration("Cpu", replicas: silos, learning: learning.ToString())));
            await using var gateway = await cluster.Start(cluster.Configuration("Gateway"), Cancellation);
            return await Seconds(gateway.Learner, cluster);
        }
        finally
        {
            foreach (var process in processes) await process.DisposeAsync();
        }
    }

    private static async Task<double> Seconds(ILearner learner, PostgresCluster cluster)
    {
        // Code is made fast by the first articles.
        await learner.Ingest(DemoArticles(100), Cancellation);
        await Done(100);
        var watch = Stopwatch.StartNew();
        foreach (var some in DemoArticles(Articles + 100)[100..].Chunk(100)) await learner.Ingest(some, Cancellation);
        await Done(Articles + 100);
        return watch.Elapsed.TotalSeconds;

        async Task Done(int articles)
        {
            while (await cluster.Query(
                "SELECT count(*) FROM rsrnet.documents WHERE status >= 2 AND (learned_at IS NOT NULL OR NOT has_highlights)") < articles) await Task.Delay(50, Cancellation);
        }
    }

    private static Article[] DemoArticles(int count) => [.. new DemoNewswire().From().Take(count)];

    private static Contribution Gradient(PublishedWeights weights, GradientPrecision precision) => new Contribution
    {
        Term = weights.Term - 1, BaseVersion = weights.Version, Parts = [new ContributionPart(0, 1, 32, 1, 0.1f, 0.5)],
        Values = [.. weights.Weights.Parameters.Select(value => value / 1000)], Statistics = weights.Weights.Statistics, Calls = 12,
    }.Rounded(precision);

    private static async Task<double> Median(int times, Func<Task> call)
    {
        for (var i = 0; i < 20; i++) await call();
        var milliseconds = new double[times];
        for (var i = 0; i < times; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await call();
            milliseconds[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }
        Array.Sort(milliseconds);
        return milliseconds[times / 2];
    }

    private static void Say(FormattableString figure) =>
        TestContext.Current.TestOutputHelper!.WriteLine(figure.ToString(CultureInfo.InvariantCulture));
}
