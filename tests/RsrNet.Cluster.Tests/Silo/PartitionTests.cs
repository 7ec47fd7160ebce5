using RsrNet.Core.Articles;
using RsrNet.Server.Tests.Documents;

namespace RsrNet.Cluster.Tests.Silo;

/// <summary>A silo that stands still, as one that is cut off does, while the others take over; then it wakes.</summary>
public sealed class PartitionTests(PostgresServer postgres) : IClassFixture<PostgresServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SiloOfTheCoordinator_Suspended_OthersTakeOverAndItsWakingChangesNothing()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("processes are suspended by a signal");
        using var cluster = await PostgresCluster.Create(postgres);
        const string Small = """, "Replicas": {"Hidden": 8, "Latent": 4}, "Weights": {"CheckpointUpdates": 12}""";
        await using var first = await cluster.Launch(cluster.Configuration("Cpu", more: Small)); // alone at first, so the coordinator is here
        await using var second = await cluster.Start(cluster.Configuration("Cpu", more: Small), Cancellation);
        var articles = new DemoNewswire().From().Take(400).ToArray();
        var labelled = articles.Count(article => article.HasHighlights);
        await second.Learner.Ingest(articles, Cancellation);
        await LearningCluster.Eventually(async () => await Learned() >= 40, "a part of the learning");

        await first.Suspend();
        await LearningCluster.Eventually(async () => await Learned() == labelled && await Unfinished() == 0, "the rest without the silo");
        await first.Resume();

        // It finds out that it was taken for dead, and ends; whatever it still tried to write belongs to a term that is over.
        await LearningCluster.Eventually(() => Task.FromResult(first.HasEnded), "the end of the silo that woke");
        await LearningCluster.Persist(() => second.Learner.Ingest([.. new DemoNewswire().From(400).Take(20)], Cancellation));
        await LearningCluster.Eventually(async () => await Unfinished() == 0 && await Count("") == 420, "the next articles");
        var saved = await LearningCluster.Persist(() => second.Learner.SaveWeights(Cancellation));
        // One that failed is one that weights of the first few updates made run away, on one process as well; it is tried again with newer ones.
        var failures = await cluster.Read("SELECT coalesce(string_agg(DISTINCT failure, ''), '') FROM rsrnet.documents WHERE status = 4");
        Assert.DoesNotMatch("^(?!refinement with weight version).", failures);
        Assert.Equal(420, await cluster.Query("SELECT count(DISTINCT id) FROM rsrnet.documents"));
        Assert.InRange(await cluster.Query("SELECT value::bigint FROM rsrnet.settings WHERE name = 'term'"), 2, long.MaxValue);
        // Three updates for each batch at most, and no document learned at a version that the weights do not hold.
        var batches = await cluster.Query("SELECT count(DISTINCT learned_at) FROM rsrnet.documents WHERE learned_at IS NOT NULL");
        Assert.InRange(saved.Version, 1, 3 * batches);
        Assert.InRange(await cluster.Query("SELECT max(learned_at) FROM rsrnet.documents"), 1, saved.Version);

        Task<long> Count(string where) => cluster.Query($"SELECT count(*) FROM rsrnet.documents {where}");
        Task<long> Learned() => Count("WHERE learned_at IS NOT NULL");
        Task<long> Unfinished() => Count("WHERE status < 2");
    }
}
