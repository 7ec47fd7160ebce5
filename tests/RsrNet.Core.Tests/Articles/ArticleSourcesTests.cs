using System.Text;
using RsrNet.Core.Articles;

namespace RsrNet.Core.Tests.Articles;

/// <summary>Lines, tables, story files and folders.</summary>
public sealed class ArticleSourcesTests : IDisposable
{
    private static readonly ArticleLimits Limits = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("rsrnet-articles-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Lines_GiveOneItemEach_WithLineAndIndex()
    {
        var items = await Lines("\uFEFF{\"id\":\"a\",\"text\":\"one\"}\r\n\r\n  \n{\"id\":\"b\",\"text\":\"two\"}\n{\"id\":\"c\",\"text\":\"three\"}");
        Assert.Equal([("a", 1L, 0L), ("b", 4, 1), ("c", 5, 2)], items.Select(item => (item.Reading.Article!.Id, item.Line!.Value, item.Index)));
    }

    [Fact]
    public async Task BadLines_RejectThemselvesAlone()
    {
        byte[] bytes = [.. "{\"id\":\"a\",\"text\":\"one\"}\n{\"text\":\"cut in the mid\n{\"text\":\"\xFF\"}\n{\"id\":\"b\",\"text\":\"two\"}\nnonsense\n".Select(unit => (byte)unit)];
        var items = await Lines(new MemoryStream(bytes), Limits);
        Assert.Equal([true, false, false, true, false], items.Select(item => item.Reading.IsAccepted));
        Assert.Contains("breaks off at byte 23", items[1].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("text: has bytes that are no UTF-8", items[2].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("no JSON object", items[4].Reading.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LineOverTheLimit_IsRefusedAndTheNextIsRead()
    {
        var small = Limits with { BodyBytes = 100_000 };
        var text = $"{{\"text\":\"{new string('x', 1_000_000)}\"}}\n{{\"id\":\"b\",\"text\":\"two\"}}";
        var items = await Lines(new Trickle(Encoding.UTF8.GetBytes(text)), small);
        Assert.Equal(2, items.Count);
        Assert.Contains("more than 100,000 bytes", items[0].Reading.Error, StringComparison.Ordinal);
        Assert.Equal(("b", 2L), (items[1].Reading.Article?.Id, items[1].Line));
    }

    [Fact]
    public async Task LinesInSmallBlocks_ReadLikeTheWhole()
    {
        var text = string.Concat(Enumerable.Range(0, 300).Select(i => $"{{\"id\":\"a{i}\",\"text\":\"{new string('ü', i * 7 + 1)}\"}}\n"));
        var items = await Lines(new Trickle(Encoding.UTF8.GetBytes(text)), Limits);
        Assert.Equal(300, items.Count);
        Assert.All(items, item => Assert.Equal(item.Index * 7 + 1, item.Reading.Article!.Text.Length));
    }

    [Fact]
    public async Task Csv_ReadsQuotesLineEndsAndMarks()
    {
        var items = await Csv("\uFEFFid,Article,highlights,extra\r\na,\"One, two \"\"three\"\"\r\nfour\",\"first\nsecond\n\n\",x\r\n,plain,,\r\n\r\nc,last,h,");
        Assert.Equal(3, items.Count);
        var first = items[0].Reading.Article!;
        Assert.Equal(("a", "One, two \"three\"\nfour"), (first.Id, first.Text));
        Assert.Equal(["first", "second"], first.Highlights);
        var second = items[1].Reading.Article!;
        Assert.Equal(second.IdOfContent(), second.Id);
        Assert.Empty(second.Highlights);
        Assert.Equal([2L, 7, 9], items.Select(item => item.Line!.Value));
    }

    [Fact]
    public async Task CsvWithTitle_KeepsIt()
    {
        var item = Assert.Single(await Csv("title,text,highlights,id\nA title,Some text,,x"));
        Assert.Equal("A title", item.Reading.Article?.Title);
    }

    [Theory]
    [InlineData("id,highlights\na,b", "article", "'article' (or 'text')")]
    [InlineData("article,id\na,b", "highlights", "'highlights'")]
    [InlineData("article,highlights\na,b", "id", "'id'")]
    [InlineData("article,text,highlights,id\na,b,c,d", "article", "2 columns")]
    [InlineData("", "header", "is missing")]
    public async Task CsvHeaderWithoutANeededColumn_NamesIt(string csv, string field, string reason)
    {
        var problem = Assert.Single(Assert.Single(await Csv(csv)).Reading.Problems);
        Assert.Equal(field, problem.Field);
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BadRows_RejectThemselvesAlone()
    {
        byte[] bytes = [.. "article,highlights,id\ngood one,,a\n\"quote\" behind,,b\ntoo,many,cells,here\n\xFF\xFE,,c\n\"\",,d\nx,,a/b\ngood two,,e\n\"never closed,,f\n".Select(unit => (byte)unit)];
        var items = await Csv(new Trickle(bytes), Limits);
        Assert.Equal(["a", "e"], items.Where(item => item.Reading.IsAccepted).Select(item => item.Reading.Article!.Id));
        Assert.Equal([3L, 4, 5, 6, 7, 9], items.Where(item => !item.Reading.IsAccepted).Select(item => item.Line!.Value));
        Assert.Contains("goes on behind its closing quote", items[1].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("4 cells where the header has 3", items[2].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("text: has bytes that are no UTF-8", items[3].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("text: is empty", items[4].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("slash", items[5].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("never closed", items[7].Reading.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RowOverTheLimit_IsRefusedAndTheNextIsRead()
    {
        var csv = $"article,highlights,id\n\"{string.Concat(Enumerable.Repeat("line\n", 50_000))}\",,a\nshort,,b\n";
        var items = await Csv(new Trickle(Encoding.UTF8.GetBytes(csv)), Limits with { BodyBytes = 70_000 });
        Assert.Equal(2, items.Count);
        Assert.Contains("is a quote left open?", items[0].Reading.Error, StringComparison.Ordinal);
        Assert.Equal(("b", 50_003L), (items[1].Reading.Article?.Id, items[1].Line));
    }

    [Fact]
    public void Story_IsCutAtItsHighlights()
    {
        var article = Story("\uFEFFFirst paragraph.\r\n\r\nSecond one.\r\n\r\n@highlight\r\n\r\nFirst point\r\n\r\n@highlight\r\n\r\nSecond\r\npoint").Article!;
        Assert.Equal("First paragraph.\n\nSecond one.", article.Text);
        Assert.Equal(["First point", "Second point"], article.Highlights);
        Assert.Equal("story-1", article.Id);
    }

    [Fact]
    public void StoryWithoutHighlights_IsUnlabelled()
    {
        Assert.False(Story("Only text.\n").Article!.HasHighlights);
    }

    [Theory]
    [InlineData("Text.\n\n@highlight\n\n@highlight\n\nGood", "highlights[0]: is empty")]
    [InlineData("@highlight\n\nGood", "text: is empty")]
    [InlineData("", "text: is empty")]
    [InlineData("a\0b", "text: has a NUL character")]
    public void BadStory_SaysWhy(string story, string error)
    {
        Assert.Contains(error, Story(story).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void StoryInLatin1_IsRefused()
    {
        Assert.Contains("no UTF-8", StoryFile.Read([0x63, 0x61, 0x66, 0xE9], "x", Limits).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_IsReadInOrder_AndResumesWhereItStopped()
    {
        Write("b.story", "Story b.");
        Write("sub/a.jsonl", "{\"id\":\"l1\",\"text\":\"one\"}\n{\"id\":\"l2\",\"text\":\"two\"}\n");
        Write("a.csv", "article,highlights,id\nt1,,c1\nt2,,c2\n");
        Write("z.json", "{\"id\":\"j\",\"text\":\"json\"}");
        Write("notes.txt", "not an article");
        var all = await Files(null, _folder);
        Assert.Equal(["c1", "c2", "b", "l1", "l2", "j"], all.Select(item => item.Reading.Article?.Id));

        for (var done = 0; done < all.Count; done++)
        {
            var passed = all.Take(done).GroupBy(item => item.Source).ToDictionary(group => group.Key, group => group.Max(item => item.Index) + 1);
            var rest = await Files(source => passed.GetValueOrDefault(source), _folder);
            Assert.Equal(all.Skip(done).Select(item => item.Reading.Article!.Id), rest.Select(item => item.Reading.Article!.Id));
        }
    }

    [Fact]
    public async Task MissingEmptyAndStrangePaths_AreProblemsNotExceptions()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "empty"));
        Write("notes.txt", "x");
        Write("good.story", "Good.");
        var items = await Files(null, Path.Combine(_folder, "nowhere"), Path.Combine(_folder, "empty"), Path.Combine(_folder, "notes.txt"), Path.Combine(_folder, "good.story"));
        Assert.Equal([false, false, false, true], items.Select(item => item.Reading.IsAccepted));
        Assert.Contains("no such file or folder", items[0].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("no file that ends in .story, .csv", items[1].Reading.Error, StringComparison.Ordinal);
        Assert.Contains("ending is none of", items[2].Reading.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FileThatIsTooLarge_IsRefusedUnread()
    {
        Write("big.story", new string('x', 2000));
        var items = new List<ArticleItem>();
        await foreach (var item in ArticleFiles.Read([_folder], Limits with { BodyBytes = 1000 }, cancellation: TestContext.Current.CancellationToken)) items.Add(item);
        Assert.Contains("2,000 bytes; at most 1,000", Assert.Single(items).Reading.Error, StringComparison.Ordinal);
    }

    private static ArticleReading Story(string text) => StoryFile.Read(Encoding.UTF8.GetBytes(text), "story-1", Limits);

    private static Task<List<ArticleItem>> Lines(string text) => Lines(new MemoryStream(Encoding.UTF8.GetBytes(text)), Limits);

    private static async Task<List<ArticleItem>> Lines(Stream stream, ArticleLimits limits)
    {
        var items = new List<ArticleItem>();
        await foreach (var item in ArticleLines.Read(stream, "lines", limits, TestContext.Current.CancellationToken)) items.Add(item);
        return items;
    }

    private static Task<List<ArticleItem>> Csv(string text) => Csv(new MemoryStream(Encoding.UTF8.GetBytes(text)), Limits);

    private static async Task<List<ArticleItem>> Csv(Stream stream, ArticleLimits limits)
    {
        var items = new List<ArticleItem>();
        await foreach (var item in ArticleCsv.Read(stream, "table", limits, TestContext.Current.CancellationToken)) items.Add(item);
        return items;
    }

    private static async Task<List<ArticleItem>> Files(Func<string, long>? passed, params string[] paths)
    {
        var items = new List<ArticleItem>();
        await foreach (var item in ArticleFiles.Read(paths, Limits, passed, TestContext.Current.CancellationToken)) items.Add(item);
        return items;
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Gives 1 to 97 bytes at a time, so that every boundary falls everywhere.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        private int _reads;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, 1 + (_reads++ * 31 % 97))], cancellationToken);
    }
}
