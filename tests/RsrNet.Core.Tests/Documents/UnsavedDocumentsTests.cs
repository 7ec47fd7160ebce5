using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Tests.Documents;

public sealed class UnsavedDocumentsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A revision that follows another at once is written with it, and is the one that the search is to find.</summary>
    [Fact]
    public async Task TwoRevisionsInOneWrite_TheNewOneIsSaved_AndTheOldOnePassedOver()
    {
        await using var store = new MemoryDocumentStore();
        await store.Put([new Article("a", "one text")], Cancellation);
        var old = new ActiveDocument((await store.Find("a", Cancellation))!);
        await store.Put([new Article("a", "another text")], Cancellation);
        var changed = new ActiveDocument((await store.Find("a", Cancellation))!);
        List<ActiveDocument> saved = [], passedOver = [];
        var unsaved = new UnsavedDocuments(store, new LearnerTelemetry(TimeProvider.System, "reference"), TimeProvider.System, saved.Add, passedOver.Add);

        unsaved.Add(old);
        unsaved.Add(changed);
        Assert.True(await unsaved.Flush());

        Assert.Equal([changed], saved);
        Assert.Equal([old], passedOver);
    }
}
