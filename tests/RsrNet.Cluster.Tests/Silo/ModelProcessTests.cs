using System.Net.Http.Json;
using System.Text.Json.Nodes;
using RsrNet.Cli;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Server.Tests.Documents;

namespace RsrNet.Cluster.Tests.Silo;

/// <summary>Text models of a cluster as configuration makes it, over a real PostgreSQL; skipped where that is not installed.</summary>
public sealed class ModelProcessTests(PostgresServer postgres) : IClassFixture<PostgresServer>
{
    /// <summary>Only full batches.</summary>
    private const string Model = """{"Label": "topic", "Embedding": 6, "Hidden": 8, "BatchSize": 4, "BatchWaitMs": 3600000, "CheckpointArticles": 10, "CheckpointSeconds": 100000}""";

    private const string Small = """, "Replicas": {"Hidden": 8, "Latent": 4}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ProcessOfAModel_Killed_TheClusterGoesOnFromItsCheckpoint()
    {
        using var cluster = await PostgresCluster.Create(postgres);
        await using var silo = await cluster.Launch(cluster.Configuration("Cpu", more: Small));
        // The gateway names the model, and the only silo learns it.
        await using var gateway = await cluster.Start(cluster.Configuration("Gateway", more: $$"""{{Small}}, "Models": {"topics": {{Model}} }"""), Cancellation);
        await gateway.Learner.Ingest(Articles(0, 28), Cancellation);
        // Articles of one call lie in the store in their order; the last batch of four is in no checkpoint.
        await Learned(gateway, 28);
        Assert.Equal(6, await cluster.Query("SELECT max(version) FROM rsrnet.model_checkpoints"));

        await using var other = await cluster.Start(cluster.Configuration("Cpu", more: Small), Cancellation);
        await silo.Kill();
        await LearningCluster.Persist(() => other.Learner.Ingest(Articles(28, 32), Cancellation));
        await Learned(gateway, 60);
        await Learned(other, 60);

        Assert.Equal(await Classified(gateway), await Classified(other));
        using var http = new HttpClient { BaseAddress = other.Address };
        var model = (await http.GetFromJsonAsync<JsonNode>("v1/models/topics", Cancellation))!;
        // Sixty articles in batches of four: more updates, or more articles of a class, would be some that counted twice.
        Assert.Equal(15, (int)model["version"]!);
        Assert.Equal([30, 30], model["prequential"]!["classes"]!.AsArray().Select(one => (int)one!["articles"]!));
        Assert.InRange(await cluster.Query("SELECT term FROM rsrnet.models"), 2, long.MaxValue);
    }

    [Fact]
    public async Task Process_WhoseConfigurationWantsAnotherNetwork_DoesNotStart()
    {
        using var cluster = await PostgresCluster.Create(postgres);
        await using var silo = await cluster.Start(cluster.Configuration("Cpu", more: $$"""{{Small}}, "Models": {"topics": {{Model}} }"""), Cancellation);
        var other = Model.Replace("\"Hidden\": 8", "\"Hidden\": 9", StringComparison.Ordinal);
        var problem = await Assert.ThrowsAsync<ModelConflictException>(
            () => cluster.Start(cluster.Configuration("Gateway", more: $$"""{{Small}}, "Models": {"topics": {{other}} }"""), Cancellation));
        Assert.Contains("Hidden is 9 here and 8 there", problem.Message, StringComparison.Ordinal);
    }

    private static Task Learned(IServing process, int articles) => LearningCluster.Eventually(async () =>
    {
        using var http = new HttpClient { BaseAddress = process.Address };
        using var answer = await http.GetAsync("v1/models/topics", Cancellation);
        return answer.IsSuccessStatusCode
            && (int)JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancellation))!["prequential"]!["articles"]! == articles;
    }, $"the learning of {articles} articles");

    private static async Task<string> Classified(IServing process)
    {
        using var http = new HttpClient { BaseAddress = process.Address };
        using var answer = await http.PostAsJsonAsync("v1/models/topics/classify", new { text = "the team won" }, Cancellation);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
        return await answer.Content.ReadAsStringAsync(Cancellation);
    }

    private static Article[] Articles(int first, int count) =>
    [
        .. Enumerable.Range(first, count).Select(i => new Article($"a{i}", i % 2 == 0 ? $"The team won game {i}." : $"The bank lost money {i}.")
        {
            Labels = new SortedDictionary<string, string> { ["topic"] = i % 2 == 0 ? "sport" : "money" },
        }),
    ];
}
