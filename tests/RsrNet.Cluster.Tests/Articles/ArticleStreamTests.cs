using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Tests.Learner;
using RsrNet.Grains.Articles;

namespace RsrNet.Cluster.Tests.Articles;

public sealed class ArticleStreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Articles_SentByAnOrleansClientEvenTwice_AreTakenInOnceEach()
    {
        await using var cluster = await LearningCluster.Start(2);
        var stream = cluster.Client.Articles("desk 1");
        for (var time = 0; time < 2; time++)
        {
            for (var i = 0; i < 6; i++)
            {
                await stream.OnNextAsync(new ArticleDraft
                {
                    Id = $"s{i}", Title = $"Title {i}", Text = $"the story {i} tells of town {i * 7}", Highlights = [$"story {i}"],
                    Labels = new Dictionary<string, string> { ["topic"] = "towns" },
                });
            }
            await stream.OnNextAsync(new ArticleDraft { Id = "bad", Text = "..." });
        }
        await stream.OnNextAsync(new ArticleDraft { Id = "last", Text = "an end of it" });
        await cluster.Settled(7);

        var document = await cluster.Learner.Find("s4", Cancellation);
        Assert.Equal((1, "Title 4", "towns"), (document!.Revision, document.Article.Title, document.Article.Labels["topic"]));
        Assert.NotNull(document.LearnedAt);
        Assert.Null(await cluster.Learner.Find("bad", Cancellation));
        await LearningCluster.Eventually(async () => (await cluster.Learner.ReadTelemetry(Cancellation)) is { Accepted: 7, Duplicates: 6 });
    }

    [Fact]
    public async Task Article_ThatComesWhileTheStoreIsAway_IsTakenInOnceItIsBack()
    {
        var store = new FailingStore(new MemoryDocumentStore());
        await using var cluster = await LearningCluster.Start(1, store: store);
        store.DiskIsFull = true;
        await cluster.Client.Articles("desk 1").OnNextAsync(new ArticleDraft { Id = "early", Text = "sent while the disk was full" });
        // Until it has been tried and refused; the second one shows that the first was not given up.
        await LearningCluster.Eventually(() => Task.FromResult(store.Refusals > 0));
        store.DiskIsFull = false;
        await cluster.Client.Articles("desk 1").OnNextAsync(new ArticleDraft { Id = "late", Text = "sent when there was room again" });
        await cluster.Settled(2);
    }
}
