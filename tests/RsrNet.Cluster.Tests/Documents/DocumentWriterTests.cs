using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Tests.Learner;
using RsrNet.Grains.Documents;

namespace RsrNet.Cluster.Tests.Documents;

/// <summary>Between two terms of the coordinator: what the ended one taught is in no weights, and must not come to stand as learned.</summary>
public sealed class DocumentWriterTests : IAsyncLifetime
{
    private readonly FailingStore store = new(new MemoryDocumentStore());
    private LearningCluster cluster = null!;
    private DocumentWriter writer = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        cluster = await LearningCluster.Start(1);
        writer = new DocumentWriter(store, cluster.Client, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await writer.DisposeAsync();
        await store.DisposeAsync();
        await cluster.DisposeAsync();
    }

    [Fact]
    public async Task Document_ReadBeforeATermThatIsAboutToBegin_IsNotWritten()
    {
        var document = await Stored("a");
        await writer.Close(2);
        Assert.False(await writer.Save(document with { LearnedAt = 7 }, readIn: 1));
        Assert.Null((await store.Find("a", Cancellation))!.LearnedAt);

        // Once the term has begun, and it was read again, it is.
        writer.OnTerm(2);
        Assert.True(await writer.Save(document with { LearnedAt = 3 }, readIn: writer.Term));
        Assert.Equal(3, (await store.Find("a", Cancellation))!.LearnedAt);
    }

    [Fact]
    public async Task Close_WaitsForWhatIsToBeWritten()
    {
        var document = await Stored("a");
        store.DiskIsFull = true;
        var saved = writer.Save(document with { LearnedAt = 7 }, readIn: 0);
        await LearningCluster.Eventually(() => Task.FromResult(store.Refusals > 0));
        var closed = writer.Close(1);
        Assert.False(closed.IsCompleted);
        store.DiskIsFull = false;
        await closed.WaitAsync(Cancellation);
        Assert.True(saved.IsCompletedSuccessfully);
        Assert.Equal(7, (await store.Find("a", Cancellation))!.LearnedAt);
    }

    private async Task<Document> Stored(string id)
    {
        await store.Put([new Article(id, "a text")], Cancellation);
        return (await store.Find(id, Cancellation))!;
    }
}
