using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Weights;
using RsrNet.Grains.Coordination.Models;
using RsrNet.Server;
using RsrNet.Server.Tests;

namespace RsrNet.Cluster.Tests.Coordination.Models;

/// <summary>A text model of a cluster is learned once, wherever that is, as one process would learn it.</summary>
public sealed class ClusterModelsTests : IDisposable
{
    /// <summary>Batches are full ones alone, so that what is learned together does not depend on how fast anything is; so do checkpoints.</summary>
    private static readonly ModelOptions Topics = new()
    {
        Label = "topic", Embedding = 6, Hidden = 8, MinimumCount = 1, LearningRate = 0.02, BatchSize = 4, BatchWaitMs = 3_600_000, CheckpointArticles = 30, CheckpointSeconds = 1e5,
    };

    private static readonly ModelOptions Speaker = new()
    {
        Kind = ModelKind.LanguageModel, Vocabulary = VocabularyKind.Characters, MinimumCount = 1, Embedding = 6, Hidden = 8, Window = 16, BatchSize = 4,
        BatchWaitMs = 3_600_000, Cell = RecurrentCell.Gru, CheckpointSeconds = 1e5,
    };

    private readonly TemporaryFolder folder = new();
    private readonly MemoryDocumentStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Models_OnACluster_HaveTheWeightsOfOneProcess()
    {
        await store.Put(Articles(0, 60), Cancellation);
        await using var cluster = await LearningCluster.Start(3, store: store);
        await cluster.Models.Name("topics", new ModelDescription(Topics), Cancellation);
        Assert.NotNull(await cluster.Models.Add("speaker", Speaker, Cancellation));
        await Learned(cluster, "topics", 60);
        await Learned(cluster, "speaker", 60);

        await using var alone = await Alone(60, ("topics", Topics), ("speaker", Speaker));
        foreach (var name in (string[])["topics", "speaker"])
        {
            var there = (await cluster.Models.Find(name, Cancellation))!;
            Assert.Equal(await Weights(alone.Find(name)!), await Weights(there));
            var (one, other) = (await alone.Find(name)!.Read(Cancellation), await there.Read(Cancellation));
            Assert.Equal((one.Version, one.Position, one.Vocabulary, one.Scores.LossSum), (other.Version, other.Position, other.Vocabulary, other.Scores.LossSum));
        }
        // What the map of the dashboard shows.
        var sample = Articles(0, 40);
        var (here, elsewhere) = (await alone.Find("topics")!.CompareWithUntrained(sample, Cancellation), await (await cluster.Models.Find("topics", Cancellation))!.CompareWithUntrained(sample, Cancellation));
        Assert.Equal(40, here.After.Count);
        Assert.Equal(here.Before, elsewhere.Before);
        Assert.Equal(here.After, elsewhere.After);
        var generation = new GenerationOptions { MaxTokens = 20, Seed = 3, StopAtEnd = false };
        Assert.Equal(
            await Text(alone.Find("speaker")!.Generate("the ", generation, Cancellation)),
            await Text((await cluster.Models.Find("speaker", Cancellation))!.Generate("the ", generation, Cancellation)));
    }

    [Fact]
    public async Task SiloOfAModel_Killed_AnotherGoesOnAndNoArticleCountsTwice()
    {
        await store.Put(Articles(0, 100), Cancellation);
        await using var cluster = await LearningCluster.Start(3, store: store, mortal: true, models: new ModelFolder(folder.File("cluster")));
        await cluster.Models.Add("topics", Topics, Cancellation);
        await Learned(cluster, "topics", 100);
        var before = await Status(cluster, "topics");
        // Four articles are in no checkpoint.
        Assert.Equal((25, 24), (before.Version, before.DurableVersion));

        await cluster.Silos.KillSiloAsync(await cluster.SiloOf(cluster.Client.GetGrain<IModelGrain>("topics")), Cancellation);
        // Nobody asks for it and nobody tells it: the articles lie in the store, and the other silos see to the rest.
        await store.Put(Articles(100, 124), Cancellation);
        await LearningCluster.Eventually(() => Task.FromResult(File.Exists(folder.File(Path.Combine("cluster", "topics", "weights-000000000056.safetensors")))), "the last checkpoint");

        await using var alone = await Alone(224, ("topics", Topics));
        var after = await LearningCluster.Persist(() => Status(cluster, "topics"));
        Assert.Equal(224, after.Scores.Articles);
        Assert.Equal(224, after.Scores.Classes.Values.Sum(count => count.Articles));
        Assert.Equal(await Weights(alone.Find("topics")!), await Weights((await cluster.Models.Find("topics", Cancellation))!));
    }

    [Fact]
    public async Task SiloOfAModel_StoppedInGoodOrder_LosesNothing()
    {
        await store.Put(Articles(0, 20), Cancellation);
        await using var cluster = await LearningCluster.Start(2, store: store, mortal: true);
        await cluster.Models.Add("topics", Topics, Cancellation);
        await Learned(cluster, "topics", 20);
        Assert.Equal(0, (await Status(cluster, "topics")).DurableVersion);

        await cluster.Silos.StopSiloAsync(await cluster.SiloOf(cluster.Client.GetGrain<IModelGrain>("topics")), Cancellation);

        var after = await LearningCluster.Persist(() => Status(cluster, "topics"));
        Assert.Equal((5, 5, 20), (after.Version, after.DurableVersion, after.Scores.Articles));
    }

    [Fact]
    public async Task WholeCluster_KilledAndStartedAgain_HasItsModelsAndGoesOn()
    {
        await store.Put(Articles(0, 40), Cancellation);
        var models = folder.File("cluster");
        await using (var first = await LearningCluster.Start(2, store: store, mortal: true, models: new ModelFolder(models)))
        {
            await first.Models.Name("topics", new ModelDescription(Topics), Cancellation);
            await first.Models.Add("speaker", Speaker, Cancellation);
            await Learned(first, "topics", 40);
            await Learned(first, "speaker", 40);
            await (await first.Models.Find("speaker", Cancellation))!.SaveWeights(Cancellation);
            foreach (var silo in first.Silos.Silos.ToList()) await first.Silos.KillSiloAsync(silo, Cancellation);
        }

        // No configuration names them any more.
        await using var second = await LearningCluster.Start(2, store: store, models: new ModelFolder(models));
        await store.Put(Articles(40, 24), Cancellation);
        await Learned(second, "topics", 64);
        await Learned(second, "speaker", 64);
        Assert.Equal(["speaker", "topics"], (await second.Models.List(Cancellation)).Select(model => model.Name));
        await using var alone = await Alone(64, ("topics", Topics), ("speaker", Speaker));
        foreach (var name in (string[])["topics", "speaker"])
            Assert.Equal(await Weights(alone.Find(name)!), await Weights((await second.Models.Find(name, Cancellation))!));
    }

    [Fact]
    public async Task Configurations_ThatDiffer_MayPaceAModelAndNotReshapeIt()
    {
        await store.Put(Articles(0, 20), Cancellation);
        await using var cluster = await LearningCluster.Start(2, store: store);
        Assert.Null(await cluster.Models.Name("topics", new ModelDescription(Topics), Cancellation));
        await Learned(cluster, "topics", 20);
        Assert.Null(await cluster.Models.Name("topics", new ModelDescription(Topics), Cancellation));

        var other = Topics with { Hidden = 9, Label = "mood" };
        var conflict = await Assert.ThrowsAsync<ModelConflictException>(() => cluster.Models.Name("topics", new ModelDescription(other), Cancellation));
        Assert.Contains("Label is mood here and topic there; Hidden is 9 here and 8 there", conflict.Message, StringComparison.Ordinal);
        Assert.Equal(Topics, (await Status(cluster, "topics")).Options);

        var faster = Topics with { LearningRate = 0.5, BatchSize = 2 };
        var changed = await cluster.Models.Name("topics", new ModelDescription(faster), Cancellation);
        Assert.Equal("model topics: BatchSize is 2 from now on (it was 4), LearningRate is 0.5 from now on (it was 0.02)", changed);
        var after = await Status(cluster, "topics");
        Assert.Equal((faster, 20), (after.Options, after.Scores.Articles));
        await cluster.Learner.Ingest(Articles(20, 2), Cancellation);
        await Learned(cluster, "topics", 22);
    }

    [Fact]
    public async Task VocabularyFile_OfOneProcess_IsNotNeededWhereTheModelLearns()
    {
        await store.Put(Articles(0, 4), Cancellation);
        File.WriteAllText(folder.File("merges.txt"), "#version: 0.2\nt h\nth e\n");
        var description = ModelDescription.Of("pairs", Topics with { Vocabulary = VocabularyKind.BytePairs, VocabularyFile = folder.File("merges.txt") }, null);
        File.Delete(folder.File("merges.txt"));
        await using var cluster = await LearningCluster.Start(2, store: store);
        await cluster.Models.Name("pairs", description, Cancellation);
        await Learned(cluster, "pairs", 4);
        Assert.Equal(4 + 256 + 2, (await Status(cluster, "pairs")).Vocabulary);
    }

    [Fact]
    public async Task ModelThatCannotBeOpened_IsListedWithTheReason_AndLearnsOnceItCan()
    {
        await store.Put(Articles(0, 4), Cancellation);
        var models = new ModelsBehindADoor(new ModelFolder(folder.File("cluster"))) { IsShut = true };
        await models.Add("topics", new ModelDescription(Topics), Cancellation);
        await using var cluster = await LearningCluster.Start(1, store: store, models: models);
        await LearningCluster.Eventually(
            async () => await cluster.Models.List(Cancellation) is [{ Name: "topics", Version: 0, Problem: { } problem }] && problem.Contains("the door is shut", StringComparison.Ordinal),
            "the reason");
        models.IsShut = false;
        await Learned(cluster, "topics", 4);
        Assert.Null((await Status(cluster, "topics")).Problem);
    }

    [Fact]
    public async Task Gateways_WhicheverIsAsked_GiveTheSameAnswers()
    {
        await using var cluster = await LearningCluster.Start(2, store: store);
        await using var gateway = await Serve(cluster.Client.ServiceProvider);
        await using var first = await Serve(cluster.Silo(0).ServiceProvider);
        await using var second = await Serve(cluster.Silo(1).ServiceProvider);
        using var atGateway = new HttpClient { BaseAddress = gateway.Addresses[0] };
        using var atFirst = new HttpClient { BaseAddress = first.Addresses[0] };
        using var atSecond = new HttpClient { BaseAddress = second.Addresses[0] };
        HttpClient[] all = [atGateway, atFirst, atSecond];

        using (var put = await atFirst.PutAsJsonAsync("v1/models/topics", new { label = "topic", embedding = 6, hidden = 8, minimumCount = 1, batchSize = 4, batchWaitMs = 0 }, Cancellation))
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        using (var put = await atSecond.PutAsJsonAsync("v1/models/speaker", new { kind = "languageModel", vocabulary = "characters", minimumCount = 1, hidden = 8, batchSize = 4, batchWaitMs = 0 }, Cancellation))
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        await cluster.Learner.Ingest(Articles(0, 40), Cancellation);
        await Learned(cluster, "topics", 40);
        await Learned(cluster, "speaker", 40);

        await Same("v1/models/topics/classify", new { text = "the team won" }, answer => Assert.Equal(2, answer["scores"]!.AsArray().Count));
        await Same("v1/models/topics/embed", new { texts = new[] { "the team won", "the bank lost" } }, answer => Assert.Equal(2, answer["items"]!.AsArray().Count));
        await Same("v1/models/speaker/generate", new { prompt = "the ", maxTokens = 12, seed = 4, stopAtEnd = false }, answer => Assert.Equal(12, ((string)answer["text"]!).Length));
        foreach (var client in all)
        {
            Assert.Equal(["speaker", "topics"], (await Json(client, "v1/models"))["items"]!.AsArray().Select(item => (string)item!["name"]!));
            Assert.Equal([40, 40], (await Json(client, "v1/telemetry"))["models"]!.AsArray().Select(item => (int)item!["articles"]!));
            Assert.Contains("rsrnet_models_prequential_accuracy{", await client.GetStringAsync("metrics", Cancellation), StringComparison.Ordinal);
            Assert.Contains("Accuracy before learning", await client.GetStringAsync("models", Cancellation), StringComparison.Ordinal);
        }
        // Late labels are learned, whoever is told them.
        using (await atGateway.PostAsJsonAsync("v1/documents/a3/labels", new { labels = new { topic = "weather" } }, Cancellation)) await Learned(cluster, "topics", 41);
        Assert.Equal(HttpStatusCode.NoContent, (await atSecond.DeleteAsync("v1/models/topics", Cancellation)).StatusCode);
        foreach (var client in all) Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("v1/models/topics", Cancellation)).StatusCode);

        async Task Same(string path, object body, Action<JsonNode> check)
        {
            var answers = new List<string>();
            foreach (var client in all)
            {
                using var response = await client.PostAsJsonAsync(path, body, Cancellation);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                answers.Add(await response.Content.ReadAsStringAsync(Cancellation));
            }
            check(JsonNode.Parse(answers[0])!);
            Assert.All(answers, answer => Assert.Equal(answers[0], answer));
        }
    }

    /// <summary>Models that nobody can claim for a while.</summary>
    private sealed class ModelsBehindADoor(IModelStore inner) : IModelStore
    {
        public volatile bool IsShut;

        public Task<IReadOnlyDictionary<string, ModelDescription>> List(Action<string> warn, CancellationToken cancellation = default) => inner.List(warn, cancellation);

        public Task<bool> Add(string name, ModelDescription description, CancellationToken cancellation = default) => inner.Add(name, description, cancellation);

        public Task Change(string name, ModelDescription description, CancellationToken cancellation = default) => inner.Change(name, description, cancellation);

        public Task<bool> Remove(string name, CancellationToken cancellation = default) => inner.Remove(name, cancellation);

        public Task<IModelCheckpoints?> Claim(string name, CancellationToken cancellation = default) =>
            IsShut ? throw new StoreUnavailableException("the door is shut") : inner.Claim(name, cancellation);
    }

    private static async Task<JsonNode> Json(HttpClient client, string path) => (await client.GetFromJsonAsync<JsonNode>(path, Cancellation))!;

    private static async Task<RsrNetServer> Serve(IServiceProvider services)
    {
        var server = RsrNetServer.Build(
            new ServerOptions { Urls = "http://127.0.0.1:0" }, new ArticleLimits(), services.GetRequiredService<RsrNet.Grains.ClusterLearner>(),
            models: services.GetRequiredService<ClusterModels>());
        await server.Start(Cancellation);
        return server;
    }

    /// <summary>The same models, learned in one process from the same articles.</summary>
    private async Task<ModelHost> Alone(int articles, params (string Name, ModelOptions Options)[] models)
    {
        var host = await ModelHost.Open(store, new ModelFolder(folder.File("alone")), models.ToDictionary(model => model.Name, model => model.Options), cancellation: Cancellation);
        host.Start();
        await LearningCluster.Eventually(async () => (await host.List(Cancellation)).All(model => model.Scores.Articles == articles), "one process");
        return host;
    }

    private static async Task<byte[]> Weights(ITextModel model) => (await model.FindWeights(null, Cancellation))!.File;

    private static async Task<string> Text(IAsyncEnumerable<string> pieces)
    {
        var text = new System.Text.StringBuilder();
        await foreach (var piece in pieces) text.Append(piece);
        return text.ToString();
    }

    private static async Task<ModelStatus> Status(LearningCluster cluster, string model) => await (await cluster.Models.Find(model, Cancellation))!.Read(Cancellation);

    private static Task Learned(LearningCluster cluster, string model, int articles) => LearningCluster.Eventually(
        async () => (await cluster.Models.List(Cancellation)).Any(one => one.Name == model && one.Scores.Articles == articles),
        string.Create(CultureInfo.InvariantCulture, $"the learning of {articles} articles by {model}"));

    private static Article[] Articles(int first, int count) =>
    [
        .. Enumerable.Range(first, count).Select(i => new Article($"a{i}", i % 2 == 0 ? $"The team won game {i}." : $"The bank lost money {i}.")
        {
            Labels = new SortedDictionary<string, string> { ["topic"] = i % 2 == 0 ? "sport" : "money" },
        }),
    ];
}
