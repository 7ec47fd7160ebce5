using RsrNet.Cli.Articles;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;

namespace RsrNet.Server.Tests.Cli;

public sealed class FeedWatcherTests : IAsyncLifetime
{
    private readonly CommandRun files = new();
    private readonly MemoryDocumentStore store = new();
    private readonly List<string> notices = [];
    private LocalLearner learner = null!;
    private FeedWatcher watcher = null!;

    public async ValueTask InitializeAsync()
    {
        learner = await LocalLearner.Open(
            new RsrNetOptions(), new HashedEncoder(), store, checkpoints: null, cancellation: TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Path.Combine(files.Folder, "feed"));
        var intake = new LearnerIntake(learner, TimeProvider.System, notices.Add);
        watcher = new FeedWatcher(Path.Combine(files.Folder, "feed"), intake, new ArticleLimits(), TimeProvider.System, notices.Add);
    }

    public async ValueTask DisposeAsync()
    {
        await learner.DisposeAsync();
        await store.DisposeAsync();
        files.Dispose();
    }

    [Fact]
    public async Task FileOfBefore_IsTakenAtTheFirstLook()
    {
        Old("a.story", "It rained in the north.\n\n@highlight\n\nRain\n");
        Old("deep/b.csv", "article,highlights,id\nIt snowed.,Snow,snow\n");
        await Look();
        Assert.Equal(["a", "snow"], await Ids());
        Assert.Equal(2, watcher.Accepted);
    }

    [Fact]
    public async Task StoryThatIsStillWritten_IsTakenOnceItHasSettled()
    {
        var path = Fresh("a.story", "It rained");
        await Look();
        Assert.Empty(await Ids());
        File.AppendAllText(path, " in the north.\n\n@highlight\n\nRain\n");
        await Look();
        Assert.Empty(await Ids());
        await Look();
        var document = await store.Find("a", TestContext.Current.CancellationToken);
        Assert.Equal(1, document!.Revision);
        Assert.Equal(["Rain"], document.Article.Highlights);
    }

    [Fact]
    public async Task WholeLinesOfAGrowingFile_AreTakenAtOnce_AndACutOneLaterWithoutComplaint()
    {
        var path = Fresh("a.jsonl", "{\"id\":\"one\",\"text\":\"It rained.\"}\n{\"id\":\"two\",\"te");
        await Look();
        Assert.Equal(["one"], await Ids());
        File.AppendAllText(path, "xt\":\"It snowed.\"}\n");
        await Look();
        Assert.Equal(["one", "two"], await Ids());
        await Look();
        Assert.Empty(notices);
    }

    [Fact]
    public async Task ChangedFile_GivesANewRevision_AndAnUnchangedOneNothing()
    {
        var path = Old("a.jsonl", "{\"id\":\"one\",\"text\":\"It rained.\"}\n");
        await Look();
        await Look();
        Assert.Equal(1, watcher.Accepted);
        File.WriteAllText(path, "{\"id\":\"one\",\"text\":\"It snowed.\"}\n");
        await Look();
        Assert.Equal(2, (await store.Find("one", TestContext.Current.CancellationToken))!.Revision);
    }

    [Fact]
    public async Task BadItem_IsSaidOnce_AndTheRestIsTaken()
    {
        var path = Old("a.jsonl", "{\"id\":\"bad\"}\n{\"id\":\"good\",\"text\":\"It rained.\"}\n");
        await Look();
        File.AppendAllText(path, "{\"id\":\"more\",\"text\":\"It snowed.\"}\n");
        await Look();
        await Look();
        Assert.Equal(["good", "more"], await Ids());
        Assert.Contains($"{path}:1: text: is missing", Assert.Single(notices), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FolderThatGoesAway_IsWaitedFor()
    {
        var feed = Path.Combine(files.Folder, "feed");
        Directory.Delete(feed);
        await Look();
        await Look();
        Assert.Contains("is gone", Assert.Single(notices), StringComparison.Ordinal);
        Old("a.jsonl", "{\"id\":\"one\",\"text\":\"It rained.\"}\n");
        await Look();
        Assert.Equal(["one"], await Ids());
    }

    private Task Look() => watcher.Look(TestContext.Current.CancellationToken);

    private string Fresh(string name, string content) => files.Write(Path.Combine("feed", name), content);

    /// <summary>A file that nobody has written to for a while.</summary>
    private string Old(string name, string content)
    {
        var path = Fresh(name, content);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-1));
        return path;
    }

    private async Task<string[]> Ids() =>
    [
        .. (await store.List(new DocumentQuery(), TestContext.Current.CancellationToken)).Items
            .Select(item => item.Id).Order(StringComparer.Ordinal),
    ];
}
