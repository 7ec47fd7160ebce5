using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Tests.Documents;

/// <summary>What every document store does. A store's own test class derives from this and opens it.</summary>
public abstract class DocumentStoreContract : IAsyncLifetime
{
    private const int D = 16;
    private const int L = 4;

    /// <summary>The store under test; opened before each test.</summary>
    protected IDocumentStore Store { get; private set; } = null!;

    /// <summary>Whether what was written is there after <see cref="Open"/> is called again.</summary>
    protected abstract bool Durable { get; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Opens the store of this test; the second time it is the same one again.</summary>
    protected abstract Task<IDocumentStore> Open();

    protected virtual ValueTask CleanUp() => ValueTask.CompletedTask;

    public async ValueTask InitializeAsync() => Store = await Open();

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await CleanUp();
        GC.SuppressFinalize(this);
    }

    protected async Task Reopen()
    {
        await Store.DisposeAsync();
        Store = await Open();
    }

    [Fact]
    public async Task Find_OfAnUnknownId_IsNull()
    {
        Assert.Null(await Store.Find("nobody", Cancellation));
    }

    [Fact]
    public async Task Put_OfNothing_IsNothing()
    {
        Assert.Empty(await Store.Put([], Cancellation));
        Assert.Empty(await Store.Save([], Cancellation));
        Assert.Equal(0, (await Store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Put_OfNewArticles_GivesThemAscendingSequencesAndRevisionOne()
    {
        var outcomes = await Store.Put([NewArticle("a"), NewArticle("b"), NewArticle("c")], Cancellation);

        Assert.Equal(["a", "b", "c"], outcomes.Select(outcome => outcome.Id));
        Assert.All(
            outcomes,
            outcome => Assert.Equal((1, false, DocumentStatus.Pending), (outcome.Revision, outcome.Duplicate, outcome.Status)));
        Assert.True(outcomes[0].Sequence < outcomes[1].Sequence && outcomes[1].Sequence < outcomes[2].Sequence);
    }

    [Fact]
    public async Task Find_AfterPut_GivesEveryFieldBack()
    {
        var article = new Article("ein/Weg?zum#Ziel", "Zeile eins\r\nZeile zwei \U0001F680 \u4E2D\u6587 e\u0301")
        {
            Title = "\"Anführung\" \\ und 'so'",
            Highlights = ["Erstes \"Highlight\"", "Second \U0001F600", ""],
            Labels = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["topic"] = "wörld", ["Topic"] = "" },
            PublishedAt = new DateTimeOffset(2024, 2, 29, 23, 59, 59, 123, TimeSpan.FromHours(5.5)).AddTicks(4567),
        };
        var outcome = (await Store.Put([article], Cancellation)).Single();

        var document = await Find(article.Id);

        AssertSame(article, document.Article);
        Assert.Equal(outcome.IngestedAt, document.IngestedAt);
        Assert.Equal(outcome.Sequence, document.Sequence);
        Assert.Equal(DocumentStatus.Pending, document.Status);
        Assert.Null(document.Embedding);
        Assert.Null(document.State);
        Assert.Null(document.LearnedAt);
        Assert.Null(document.Failure);
        Assert.Empty(document.Trajectory.Points);
    }

    [Fact]
    public async Task Find_IsExactAboutIds()
    {
        await Store.Put(
            [NewArticle("Aa"), NewArticle("aa"), NewArticle("a'; DROP TABLE documents; --"), NewArticle("a%"), NewArticle("e\u0301")],
            Cancellation);

        Assert.Equal("Aa", (await Find("Aa")).Id);
        Assert.Equal("aa", (await Find("aa")).Id);
        Assert.NotNull(await Store.Find("a'; DROP TABLE documents; --", Cancellation));
        Assert.Null(await Store.Find("AA", Cancellation));
        Assert.Null(await Store.Find("\u00E9", Cancellation));
    }

    [Fact]
    public async Task Put_OfTheSameAgain_IsADuplicateThatChangesNothing()
    {
        var first = (await Store.Put([NewArticle("a")], Cancellation)).Single();
        await Store.Save([Refined(await Find("a"), DocumentStatus.Converged, step: 2, version: 5)], Cancellation);

        var second = (await Store.Put([NewArticle("a")], Cancellation)).Single();

        Assert.Equal(first with { Duplicate = true, Status = DocumentStatus.Converged }, second);
        Assert.Equal(2, (await Find("a")).State!.Step);
        Assert.Equal(1, (await Store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Put_OfTheSameTwiceInOneCall_StoresItOnce()
    {
        var outcomes = await Store.Put(
            [NewArticle("a"), NewArticle("a"), NewArticle("a", "changed"), NewArticle("a", "changed")], Cancellation);

        Assert.Equal([false, true, false, true], outcomes.Select(outcome => outcome.Duplicate));
        Assert.Equal([1, 1, 2, 2], outcomes.Select(outcome => outcome.Revision));
        Assert.Equal(1, (await Store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Put_OfChangedContent_IsANewPendingRevisionAtTheEnd()
    {
        await Store.Put([NewArticle("a"), NewArticle("b")], Cancellation);
        await Store.Save([Refined(await Find("a"), DocumentStatus.Converged, step: 3, version: 5) with { LearnedAt = 5 }], Cancellation);

        var outcome = (await Store.Put([NewArticle("a", "another text")], Cancellation)).Single();

        Assert.Equal((2, false, DocumentStatus.Pending), (outcome.Revision, outcome.Duplicate, outcome.Status));
        var document = await Find("a");
        Assert.Equal(2, document.Revision);
        Assert.Equal("another text", document.Article.Text);
        Assert.Null(document.State);
        Assert.Null(document.Embedding);
        Assert.Null(document.LearnedAt);
        Assert.Equal(0, document.RunStart);
        Assert.Empty(document.Trajectory.Points);
        Assert.Equal(["b", "a"], (await Store.ReadUnfinished(0, 10, Cancellation)).Select(found => found.Id));
        Assert.Empty(await Store.ReadLearned(10, Cancellation));
        Assert.Equal(new DocumentCounts(2, 0, 0, 0, 0), await Store.Count(Cancellation));
    }

    [Fact]
    public async Task Put_OfTheFormerContentAgain_IsAThirdRevision()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        await Store.Put([NewArticle("a", "changed")], Cancellation);

        var outcome = (await Store.Put([NewArticle("a")], Cancellation)).Single();

        Assert.Equal((3, false), (outcome.Revision, outcome.Duplicate));
    }

    [Fact]
    public async Task Save_ThenFind_GivesEveryFieldBack()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        var saved = Refined(await Find("a"), DocumentStatus.Refining, step: 7, version: 1L << 40) with
        {
            LearnedAt = 12, RunStart = 3, Failure = "grund",
        };

        Assert.Empty(await Store.Save([saved], Cancellation));

        AssertSame(saved, await Find("a"));
    }

    [Fact]
    public async Task Save_Again_ReplacesWhatWasThere()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        var first = Refined(await Find("a"), DocumentStatus.Refining, step: 1, version: 1);
        await Store.Save([first], Cancellation);
        var second = Refined(first, DocumentStatus.Exhausted, step: 2, version: 2) with
        {
            Embedding = new DocumentEmbedding("other-1", Vector(D, 50), null),
        };

        await Store.Save([second], Cancellation);

        AssertSame(second, await Find("a"));
        Assert.Equal(new DocumentCounts(0, 0, 0, 1, 0), await Store.Count(Cancellation));
    }

    [Fact]
    public async Task Save_WithoutStateAndEmbedding_TakesThemAway()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        var plain = await Find("a");
        await Store.Save([Refined(plain, DocumentStatus.Converged, step: 1, version: 1)], Cancellation);

        await Store.Save([plain], Cancellation);

        AssertSame(plain, await Find("a"));
    }

    [Fact]
    public async Task Save_OfExtremeNumbers_KeepsThemBitByBit()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, float.Epsilon, float.MaxValue, 1 / 3f, 0.1f];
        var saved = (await Find("a")) with
        {
            Embedding = new DocumentEmbedding("test-1", odd, odd),
            State = new RefinementState(
                odd, odd, int.MaxValue, long.MaxValue, float.PositiveInfinity, float.MaxValue, 1 / 3f, float.Epsilon, -1f),
            Status = DocumentStatus.Failed,
        };

        await Store.Save([saved], Cancellation);

        AssertSame(saved, await Find("a"));
    }

    [Fact]
    public async Task Save_OfAStateThatIsNoNumber_KeepsThatItIsNone()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        var saved = (await Find("a")) with
        {
            State = new RefinementState([float.NaN], [float.NaN], 1, 1, float.NaN, float.NaN, float.NaN, null, null),
            Status = DocumentStatus.Failed,
            Failure = "y is no number",
        };

        await Store.Save([saved], Cancellation);

        AssertSame(saved, await Find("a"));
        Assert.Equal(float.NaN, (await Store.List(new DocumentQuery(), Cancellation)).Items.Single().ResidualY);
    }

    [Fact]
    public async Task Save_OfAnOutdatedRevision_IsPassedOver()
    {
        await Store.Put([NewArticle("a"), NewArticle("b")], Cancellation);
        var (old, other) = (await Find("a"), await Find("b"));
        await Store.Put([NewArticle("a", "changed")], Cancellation);

        var passedOver = await Store.Save(
            [Refined(old, DocumentStatus.Converged, step: 1, version: 1), Refined(other, DocumentStatus.Converged, step: 1, version: 1)],
            Cancellation);

        Assert.Equal([old.Sequence], passedOver);
        Assert.Null((await Find("a")).State);
        Assert.NotNull((await Find("b")).State);
    }

    /// <summary>Both may wait for the same commit, where a revision follows another at once.</summary>
    [Fact]
    public async Task Save_OfAnOutdatedRevisionWithTheNewOne_PassesOverTheOldOneAlone()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        var old = await Find("a");
        await Store.Put([NewArticle("a", "changed")], Cancellation);
        var changed = await Find("a");

        var passedOver = await Store.Save(
            [Refined(old, DocumentStatus.Converged, step: 1, version: 1), Refined(changed, DocumentStatus.Converged, step: 2, version: 1)], Cancellation);

        Assert.Equal([old.Sequence], passedOver);
        Assert.Equal(2, (await Find("a")).State!.Step);
    }

    [Fact]
    public async Task Save_OfADeletedDocument_IsPassedOver()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        var document = await Find("a");
        await Store.Delete("a", Cancellation);

        Assert.Equal([document.Sequence], await Store.Save([Refined(document, DocumentStatus.Converged, step: 1, version: 1)], Cancellation));

        Assert.Null(await Store.Find("a", Cancellation));
        Assert.Equal(0, (await Store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Save_OfADocumentThatWasDeletedAndCameAgain_IsPassedOver()
    {
        await Store.Put([NewArticle("a")], Cancellation);
        var document = await Find("a");
        await Store.Delete("a", Cancellation);
        var again = (await Store.Put([NewArticle("a")], Cancellation)).Single();
        Assert.Equal((1, false), (again.Revision, again.Duplicate));

        Assert.Equal([document.Sequence], await Store.Save([Refined(document, DocumentStatus.Converged, step: 1, version: 1)], Cancellation));

        Assert.Null((await Find("a")).State);
    }

    [Fact]
    public async Task Delete_SaysWhetherThereWasOne_AndLeavesNothing()
    {
        await Store.Put([NewArticle("a"), NewArticle("b")], Cancellation);
        await Store.Save([Refined(await Find("a"), DocumentStatus.Converged, step: 1, version: 1) with { LearnedAt = 1 }], Cancellation);

        Assert.True(await Store.Delete("a", Cancellation));
        Assert.False(await Store.Delete("a", Cancellation));

        Assert.Null(await Store.Find("a", Cancellation));
        Assert.Equal(["b"], (await Store.List(new DocumentQuery(), Cancellation)).Items.Select(item => item.Id));
        Assert.Empty(await Store.ReadStale(100, 10, Cancellation));
        Assert.Empty(await Store.ReadLearned(10, Cancellation));
        Assert.Empty(await ReadIndex());
    }

    [Fact]
    public async Task ReadUnfinished_GivesPendingAndRefiningInOrderOfArrival()
    {
        await PutNumbered(8);
        await SaveStatus("d1", DocumentStatus.Refining);
        await SaveStatus("d3", DocumentStatus.Converged);
        await SaveStatus("d4", DocumentStatus.Exhausted);
        await SaveStatus("d5", DocumentStatus.Failed);
        await SaveStatus("d6", DocumentStatus.Refining);

        var all = await Store.ReadUnfinished(0, 100, Cancellation);

        Assert.Equal(["d0", "d1", "d2", "d6", "d7"], all.Select(document => document.Id));
        Assert.Equal(["d0", "d1"], (await Store.ReadUnfinished(0, 2, Cancellation)).Select(document => document.Id));
        Assert.Equal(["d2", "d6"], (await Store.ReadUnfinished(all[1].Sequence, 2, Cancellation)).Select(document => document.Id));
        Assert.Empty(await Store.ReadUnfinished(all[^1].Sequence, 100, Cancellation));
        Assert.Empty(await Store.ReadUnfinished(long.MaxValue, 100, Cancellation));
        AssertSame(await Find("d1"), all[1]);
    }

    [Fact]
    public async Task ReadStale_GivesFinishedOnesOldestWeightsFirst()
    {
        await PutNumbered(7);
        await SaveStatus("d0", DocumentStatus.Converged, version: 9);
        await SaveStatus("d1", DocumentStatus.Exhausted, version: 3);
        await SaveStatus("d2", DocumentStatus.Converged, version: 10);
        await SaveStatus("d3", DocumentStatus.Refining, version: 1);
        await SaveStatus("d4", DocumentStatus.Failed, version: 1);
        await SaveStatus("d5", DocumentStatus.Converged, version: 3);

        Assert.Equal(["d4", "d1", "d5", "d0"], (await Store.ReadStale(10, 100, Cancellation)).Select(document => document.Id));
        Assert.Equal(["d4", "d1"], (await Store.ReadStale(10, 2, Cancellation)).Select(document => document.Id));
        Assert.Empty(await Store.ReadStale(1, 100, Cancellation));
        AssertSame(await Find("d4"), (await Store.ReadStale(10, 1, Cancellation)).Single());
    }

    [Fact]
    public async Task ReadLearned_GivesTheLatestFirst()
    {
        await PutNumbered(5);
        await SaveStatus("d0", DocumentStatus.Converged, version: 5, learnedAt: 5);
        await SaveStatus("d1", DocumentStatus.Refining, version: 7, learnedAt: 7);
        await SaveStatus("d2", DocumentStatus.Exhausted, version: 6, learnedAt: 6);
        await SaveStatus("d3", DocumentStatus.Exhausted, version: 8);

        Assert.Equal(["d1", "d2", "d0"], (await Store.ReadLearned(10, Cancellation)).Select(document => document.Id));
        Assert.Equal(["d1"], (await Store.ReadLearned(1, Cancellation)).Select(document => document.Id));
        Assert.NotNull((await Store.ReadLearned(1, Cancellation)).Single().Embedding);
    }

    [Fact]
    public async Task Unlearn_TakesLaterDocumentsBackToPendingAndLowersVersions()
    {
        await PutNumbered(5);
        await SaveStatus("d0", DocumentStatus.Converged, version: 4, learnedAt: 4);
        await SaveStatus("d1", DocumentStatus.Converged, version: 9, learnedAt: 5);
        await SaveStatus("d2", DocumentStatus.Failed, version: 9, learnedAt: 6);
        await SaveStatus("d3", DocumentStatus.Exhausted, version: 9);

        Assert.Equal(1, await Store.Unlearn(5, Cancellation));

        Assert.Equal((DocumentStatus.Converged, 4L, 4L), Standing(await Find("d0")));
        Assert.Equal((DocumentStatus.Converged, 5L, 5L), Standing(await Find("d1")));
        Assert.Equal((DocumentStatus.Exhausted, null, 5L), Standing(await Find("d3")));
        var unlearned = await Find("d2");
        Assert.Equal((DocumentStatus.Pending, null, 5L), Standing(unlearned));
        Assert.Null(unlearned.Failure);
        Assert.Equal(unlearned.State!.Step, unlearned.RunStart);
        Assert.Equal(new DocumentCounts(2, 0, 2, 1, 0), await Store.Count(Cancellation));
        Assert.Equal(["d2", "d4"], (await Store.ReadUnfinished(0, 10, Cancellation)).Select(document => document.Id));
        Assert.Equal(["d0"], (await Store.ReadStale(5, 10, Cancellation)).Select(document => document.Id));
        Assert.Equal(0, await Store.Unlearn(5, Cancellation));

        static (DocumentStatus, long?, long?) Standing(Document document) =>
            (document.Status, document.LearnedAt, document.State?.WeightVersion);
    }

    [Fact]
    public async Task List_PagesInOrderOfArrival_WhileDocumentsComeIn()
    {
        await PutNumbered(7);
        var first = await Store.List(new DocumentQuery(Limit: 3), Cancellation);
        await Store.Put([NewArticle("late")], Cancellation);
        await Store.Delete("d1", Cancellation);
        await Store.Put([NewArticle("d5", "changed")], Cancellation);
        var second = await Store.List(new DocumentQuery(Limit: 3, Cursor: first.Next), Cancellation);
        var third = await Store.List(new DocumentQuery(Limit: 3, Cursor: second.Next), Cancellation);

        Assert.Equal(["d0", "d1", "d2"], first.Items.Select(item => item.Id));
        Assert.Equal(["d3", "d4", "d6"], second.Items.Select(item => item.Id));
        Assert.Equal(["late", "d5"], third.Items.Select(item => item.Id));
        Assert.Null(third.Next);
    }

    [Fact]
    public async Task List_ThatEndsWithAFullPage_HasNoNext()
    {
        await PutNumbered(4);

        Assert.Null((await Store.List(new DocumentQuery(Limit: 4), Cancellation)).Next);
        Assert.NotNull((await Store.List(new DocumentQuery(Limit: 3), Cancellation)).Next);
    }

    [Fact]
    public async Task List_OfAStatus_GivesOnlyThoseOverAllPages()
    {
        await PutNumbered(9);
        foreach (var id in (string[])["d1", "d4", "d8"]) await SaveStatus(id, DocumentStatus.Exhausted);

        var first = await Store.List(new DocumentQuery(DocumentStatus.Exhausted, Limit: 2), Cancellation);
        var second = await Store.List(new DocumentQuery(DocumentStatus.Exhausted, Limit: 2, Cursor: first.Next), Cancellation);

        Assert.Equal(["d1", "d4"], first.Items.Select(item => item.Id));
        Assert.Equal(["d8"], second.Items.Select(item => item.Id));
        Assert.Null(second.Next);
        Assert.Empty((await Store.List(new DocumentQuery(DocumentStatus.Failed), Cancellation)).Items);
    }

    [Fact]
    public async Task List_SaysWhatTheDocumentSays()
    {
        await Store.Put([NewArticle("a") with { Title = "T", Highlights = ["h"] }, NewArticle("b") with { Title = null }], Cancellation);
        await SaveStatus("a", DocumentStatus.Converged, version: 3);

        var items = (await Store.List(new DocumentQuery(), Cancellation)).Items;

        Assert.Equal(DocumentListItem.Of(await Find("a")), items[0]);
        Assert.Equal(DocumentListItem.Of(await Find("b")), items[1]);
        Assert.Equal(("T", true, 3L), (items[0].Title, items[0].HasHighlights, items[0].WeightVersion));
        Assert.Equal(("The text of b.", false, null), (items[1].Title, items[1].HasHighlights, items[1].ResidualY));
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("!!!!!!!!!!!!")]
    [InlineData("AAAAAAAAAAAA")]
    [InlineData("_________8__")]
    public async Task List_WithSomethingThatIsNoCursor_Throws(string cursor)
    {
        var problem = await Assert.ThrowsAsync<ArgumentException>(() => Store.List(new DocumentQuery(Cursor: cursor), Cancellation));
        Assert.Contains("cursor", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1001)]
    public async Task List_WithALimitOutOfRange_Throws(int limit)
    {
        var problem = await Assert.ThrowsAsync<ArgumentException>(() => Store.List(new DocumentQuery(Limit: limit), Cancellation));
        Assert.Contains("1 to 1000", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadIndex_GivesEveryEmbeddedDocument()
    {
        await PutNumbered(600);
        var documents = await Store.ReadUnfinished(0, 600, Cancellation);
        await Store.Save(
            [.. documents.Where((_, i) => i % 2 == 0)
                .Select((document, i) => document with { Embedding = new DocumentEmbedding("test-1", Vector(D, i), null) })],
            Cancellation);
        await SaveStatus("d2", DocumentStatus.Refining);

        var index = await ReadIndex();

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"d{2 * i}"), index.Select(document => document.Id));
        Assert.Null(index[0].Y);
        Assert.Equal((await Find("d2")).State!.Y, index[1].Y);
        Assert.Equal(Vector(D, 299), index[299].X);
        Assert.Equal((await Find("d4")).Article.Title, index[2].Title);
    }

    [Fact]
    public async Task Counts_FollowEveryChange()
    {
        await PutNumbered(6);
        Assert.Equal(new DocumentCounts(6, 0, 0, 0, 0), await Store.Count(Cancellation));
        await SaveStatus("d0", DocumentStatus.Refining);
        await SaveStatus("d1", DocumentStatus.Converged);
        await SaveStatus("d2", DocumentStatus.Exhausted);
        await SaveStatus("d3", DocumentStatus.Failed);
        Assert.Equal(new DocumentCounts(2, 1, 1, 1, 1), await Store.Count(Cancellation));
        await SaveStatus("d0", DocumentStatus.Converged);
        await Store.Delete("d3", Cancellation);
        await Store.Put([NewArticle("d2", "changed")], Cancellation);
        Assert.Equal(new DocumentCounts(3, 0, 2, 0, 0), await Store.Count(Cancellation));
    }

    [Fact]
    public async Task Settings_AreKeptByName()
    {
        Assert.Null(await Store.ReadSetting("encoder", Cancellation));

        await Store.WriteSetting("encoder", "hashed-768-1", Cancellation);
        await Store.WriteSetting("Encoder", "ü\n", Cancellation);
        await Store.WriteSetting("encoder", "hashed-768-2", Cancellation);

        Assert.Equal("hashed-768-2", await Store.ReadSetting("encoder", Cancellation));
        Assert.Equal("ü\n", await Store.ReadSetting("Encoder", Cancellation));
    }

    [Fact]
    public async Task BigTexts_AreKeptWhole()
    {
        var text = string.Concat(Enumerable.Repeat("Größe \U0001F680 zählt. ", 60_000));
        await Store.Put([NewArticle("big", text)], Cancellation);

        Assert.Equal(text, (await Find("big")).Article.Text);
    }

    [Fact]
    public async Task EightWriters_LoseAndRepeatNothing()
    {
        const int writers = 8, calls = 25, size = 4;
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(
            async () =>
            {
                for (var call = 0; call < calls; call++)
                {
                    // Every second writer sends what its neighbour sends too.
                    var name = call % 2 == 0 ? writer / 2 : writer;
                    var outcomes = await Store.Put(
                        [.. Enumerable.Range(0, size).Select(i => NewArticle($"{(call % 2 == 0 ? "pair" : "own")}-{name}-{call}-{i}"))],
                        Cancellation);
                    var document = await Find(outcomes[0].Id);
                    await Store.Save([Refined(document, DocumentStatus.Converged, step: 1, version: writer)], Cancellation);
                    if (call % 2 == 1 && call % 5 == 0) Assert.True(await Store.Delete(outcomes[1].Id, Cancellation));
                }
            },
            Cancellation)));

        // 13 even calls shared by two writers each, 12 odd ones of which 3 (5, 15 and no other below 25) delete one.
        const long pairs = writers / 2 * 13 * size, own = writers * 12 * size, deleted = writers * 2;
        var counts = await Store.Count(Cancellation);
        Assert.Equal(pairs + own - deleted, counts.Total);
        Assert.Equal(writers / 2 * 13 + writers * 12, counts.Converged);
        var ids = new List<string>();
        string? cursor = null;
        do
        {
            var page = await Store.List(new DocumentQuery(Limit: 100, Cursor: cursor), Cancellation);
            ids.AddRange(page.Items.Select(item => item.Id));
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(counts.Total, ids.Distinct().Count());
        Assert.Equal(counts.Total, ids.Count);
    }

    [Fact]
    public async Task CancelledCalls_WriteNothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.Put([NewArticle("a")], cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.WriteSetting("a", "b", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.Find("a", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.Count(cancelled.Token));

        Assert.Null(await Store.Find("a", Cancellation));
        Assert.Null(await Store.ReadSetting("a", Cancellation));
    }

    [Fact]
    public async Task AfterReopening_EverythingIsAsItWas()
    {
        if (!Durable) Assert.Skip("this store forgets with the process");
        await PutNumbered(6);
        await SaveStatus("d1", DocumentStatus.Refining, version: 2, learnedAt: 2);
        await SaveStatus("d2", DocumentStatus.Converged, version: 3);
        await SaveStatus("d3", DocumentStatus.Failed);
        await Store.Delete("d5", Cancellation);
        await Store.WriteSetting("encoder", "hashed-768-1", Cancellation);
        var before = new List<Document>();
        for (var i = 0; i < 5; i++) before.Add(await Find($"d{i}"));
        var counts = await Store.Count(Cancellation);

        await Reopen();

        foreach (var document in before) AssertSame(document, await Find(document.Id));
        Assert.Null(await Store.Find("d5", Cancellation));
        Assert.Equal(counts, await Store.Count(Cancellation));
        Assert.Equal("hashed-768-1", await Store.ReadSetting("encoder", Cancellation));
        // d5 had the highest sequence and is gone; it is not given again.
        var late = (await Store.Put([NewArticle("late")], Cancellation)).Single();
        Assert.True(late.Sequence > before[4].Sequence + 1);
    }

    protected static Article NewArticle(string id, string? text = null) =>
        new(id, text ?? $"The text of {id}.") { Title = $"Title of {id}" };

    /// <summary>The document after a step, with vectors that depend on the step.</summary>
    protected static Document Refined(Document document, DocumentStatus status, int step, long version)
    {
        var at = new DateTimeOffset(2025, 6, 1, 12, 0, 0, TimeSpan.Zero).AddSeconds(step).AddTicks(7);
        float? loss = step % 2 == 0 ? null : 1f / step;
        return document with
        {
            Status = status,
            Embedding = document.Embedding ?? new DocumentEmbedding("test-1", Vector(D, 1), Vector(D, 2)),
            State = new RefinementState(
                Vector(D, step + 10), Vector(L, step + 20), step, version, 0.5f / step, 0.25f / step, 0.75f, loss, 0.125f),
            Trajectory = document.Trajectory.Add(new TrajectoryPoint(step, version, 0.5f / step, 0.25f / step, 0.75f, loss, at), 64),
        };
    }

    protected static float[] Vector(int length, int seed) => [.. Enumerable.Range(0, length).Select(i => MathF.Sin(seed * 31 + i))];

    protected async Task<Document> Find(string id) =>
        await Store.Find(id, Cancellation) ?? throw new InvalidOperationException($"no document '{id}'");

    protected Task PutNumbered(int count) => Store.Put([.. Enumerable.Range(0, count).Select(i => NewArticle($"d{i}"))], Cancellation);

    protected async Task SaveStatus(string id, DocumentStatus status, long version = 1, long? learnedAt = null)
    {
        var document = await Find(id);
        var refined = Refined(document, status, step: (document.State?.Step ?? 0) + 1, version) with
        {
            LearnedAt = learnedAt, Failure = status == DocumentStatus.Failed ? "not a number" : null,
        };
        Assert.Empty(await Store.Save([refined], Cancellation));
    }

    protected static void AssertSame(Article expected, Article actual)
    {
        Assert.Equal(expected.Id, actual.Id);
        Assert.Equal(expected.ContentHash(), actual.ContentHash());
        Assert.Equal(expected.PublishedAt?.Offset, actual.PublishedAt?.Offset);
    }

    protected static void AssertSame(Document expected, Document actual)
    {
        AssertSame(expected.Article, actual.Article);
        Assert.Equal(expected.Embedding?.X, actual.Embedding?.X);
        Assert.Equal(expected.Embedding?.T, actual.Embedding?.T);
        Assert.Equal(expected.Embedding?.EncoderId, actual.Embedding?.EncoderId);
        Assert.Equal(expected.State?.Y, actual.State?.Y);
        Assert.Equal(expected.State?.Z, actual.State?.Z);
        float[] none = [];
        Assert.Equal(
            expected.State is { } was ? was with { Y = none, Z = none } : null,
            actual.State is { } state ? state with { Y = none, Z = none } : null);
        Assert.Equal(expected.Trajectory.Points, actual.Trajectory.Points);
        Assert.Equal(
            (expected.Sequence, expected.Revision, expected.IngestedAt, expected.Status),
            (actual.Sequence, actual.Revision, actual.IngestedAt, actual.Status));
        Assert.Equal((expected.Failure, expected.LearnedAt, expected.RunStart), (actual.Failure, actual.LearnedAt, actual.RunStart));
    }

    private async Task<List<IndexedDocument>> ReadIndex()
    {
        var index = new List<IndexedDocument>();
        await foreach (var document in Store.ReadIndex(Cancellation)) index.Add(document);
        return index;
    }
}
