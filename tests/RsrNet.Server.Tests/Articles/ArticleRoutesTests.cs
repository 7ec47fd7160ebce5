using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Articles;

public sealed class ArticleRoutesTests : IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.Start();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Article_ThatIsNew_IsAccepted()
    {
        var answer = await _server.PostJson(
            "/v1/articles",
            """
            {"id": "a-1", "title": "T", "text": "Some text.", "highlights": ["Text."], "labels": {"topic": "x"},
            "publishedAt": "2026-01-02T03:04:05Z"}
            """);

        Assert.Equal(HttpStatusCode.Accepted, answer.Status);
        Assert.Equal("""{"id":"a-1","revision":1,"status":"pending"}""", answer.Text);
        Assert.Equal("/v1/documents/a-1", answer.Headers.Location?.ToString());
        var article = (await _server.Learner.Find("a-1", Cancellation))!.Article;
        Assert.Equal(("T", "Some text.", "Text.", "x"), (article.Title, article.Text, article.Highlights[0], article.Labels["topic"]));
        Assert.Equal(HttpStatusCode.OK, (await _server.Get(answer.Headers.Location!.ToString())).Status);
    }

    [Fact]
    public async Task Article_SentAgain_IsADuplicateAndChanged_IsARevision()
    {
        await _server.PostJson("/v1/articles", """{"id": "a", "text": "one"}""");

        var again = await _server.PostJson("/v1/articles", """{"text": "one", "id": "a"}""");
        var changed = await _server.PostJson("/v1/articles", """{"id": "a", "text": "two"}""");

        Assert.Equal(HttpStatusCode.OK, again.Status);
        Assert.Equal("""{"id":"a","revision":1,"status":"pending","duplicate":true}""", again.Text);
        Assert.Equal(HttpStatusCode.Accepted, changed.Status);
        Assert.Equal("""{"id":"a","revision":2,"status":"pending"}""", changed.Text);
    }

    [Fact]
    public async Task Article_WithoutId_GetsOneOfItsContent()
    {
        var first = await _server.PostJson("/v1/articles", """{"text": "the same"}""");
        var second = await _server.PostJson("/v1/articles", """{"text": "the same"}""");

        Assert.Equal(32, ((string)first.Json["id"]!).Length);
        Assert.Equal((string)first.Json["id"]!, (string)second.Json["id"]!);
        Assert.True((bool)second.Json["duplicate"]!);
    }

    [Fact]
    public async Task Article_WithAnIdOfAnyScript_IsFoundByItsLocation()
    {
        var answer = await _server.PostJson("/v1/articles", """{"id": "größe:新聞@1", "text": "x"}""");

        Assert.Equal(HttpStatusCode.Accepted, answer.Status);
        Assert.Equal("/v1/documents/gr%C3%B6%C3%9Fe%3A%E6%96%B0%E8%81%9E%401", answer.Headers.Location!.OriginalString);
        Assert.Equal("größe:新聞@1", (string)(await _server.Get(answer.Headers.Location.OriginalString)).Json["id"]!);
    }

    [Theory]
    [InlineData("""{"id": "a"}""", "text")]
    [InlineData("""{"text": ""}""", "text")]
    [InlineData("""{"text": "  \n "}""", "text")]
    [InlineData("""{"text": "😀🚀"}""", "text")]
    [InlineData("""{"text": "a\u0000b"}""", "text")]
    [InlineData("""{"text": "a\ud800b"}""", "text")]
    [InlineData("""{"text": 5}""", "text")]
    [InlineData("""{"text": null}""", "text")]
    [InlineData("""{"text": ["a"]}""", "text")]
    [InlineData("""{"id": "a/b", "text": "x"}""", "id")]
    [InlineData("""{"id": "", "text": "x"}""", "id")]
    [InlineData("""{"id": "..", "text": "x"}""", "id")]
    [InlineData("""{"id": 7, "text": "x"}""", "id")]
    [InlineData("""{"text": "a", "highlights": [""]}""", "highlights[0]")]
    [InlineData("""{"text": "a", "highlights": "b"}""", "highlights")]
    [InlineData("""{"text": "a", "highlights": ["b", 3]}""", "highlights[1]")]
    [InlineData("""{"text": "short", "highlights": ["much longer than the article"]}""", "highlights[0]")]
    [InlineData("""{"text": "a", "labels": {"x": 1}}""", "labels.x")]
    [InlineData("""{"text": "a", "publishedAt": "yesterday"}""", "publishedAt")]
    [InlineData("""{"text": "a", "body": "b"}""", "body")]
    [InlineData("""{"text": "a", "text": "b"}""", "text")]
    [InlineData("", "body")]
    [InlineData("nonsense", "body")]
    [InlineData("""[{"text": "a"}]""", "body")]
    [InlineData("""{"text": "a" """, "body")]
    [InlineData("""{"text": "a"} {"text": "b"}""", "body")]
    public async Task Article_ThatIsBad_IsRefusedByField(string json, string field)
    {
        (await _server.PostJson("/v1/articles", json)).Errors(field);
        Assert.Equal(0, (await _server.Store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Article_WithManyProblems_NamesThemAll()
    {
        var answer = await _server.PostJson(
            "/v1/articles", """{"id": "a b", "text": " ", "highlights": [""], "extra": 1, "publishedAt": 5}""");
        var errors = answer.Errors("id", "text", "highlights[0]", "extra", "publishedAt");

        Assert.Contains("blank", (string)errors["id"]![0]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Article_WithAnIdOfAThousandCharacters_IsRefused() =>
        (await _server.PostJson("/v1/articles", $$"""{"id": "{{new string('a', 1000)}}", "text": "x"}""")).Errors("id");

    [Fact]
    public async Task Article_OfInvalidUtf8_IsRefused() =>
        (await _server.Send(
            HttpMethod.Post, "/v1/articles", [.. "{\"text\": \"a"u8, 0xC3, 0x28, .. "\"}"u8], "application/json")).Errors("text");

    [Fact]
    public async Task Article_WithByteOrderMarkAndCarriageReturns_IsAccepted()
    {
        var answer = await _server.Send(
            HttpMethod.Post, "/v1/articles", [0xEF, 0xBB, 0xBF, .. "{\r\n\"id\": \"a\",\r\n\"text\": \"one\\r\\ntwo\"}\r\n"u8],
            "application/json; charset=utf-8");

        Assert.Equal(HttpStatusCode.Accepted, answer.Status);
        Assert.Equal("one\ntwo", (await _server.Store.Find("a", Cancellation))!.Article.Text);
    }

    [Fact]
    public async Task Article_OfFiveMegabytes_IsTooLarge()
    {
        var problem = (await _server.PostJson("/v1/articles", $$"""{"text": "{{new string('a', 5_000_000)}}"}""")).Problem(413);
        Assert.Contains("4,194,304", (string)problem["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Article_OfFiveMegabytesInChunks_IsTooLarge()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/articles");
        request.Content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"text": "{{new string('a', 5_000_000)}}"}""")));
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TransferEncodingChunked = true;
        using var response = await _server.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Article_OverTheTextLimit_IsRefusedByField() =>
        (await _server.PostJson("/v1/articles", $$"""{"text": "{{new string('a', 1_000_001)}}"}""")).Errors("text");

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData(null)]
    public async Task Article_OfAnotherMediaType_IsUnsupported(string? type)
    {
        var problem = (await _server.Send(HttpMethod.Post, "/v1/articles", "{\"text\": \"a\"}"u8.ToArray(), type)).Problem(415);
        Assert.NotNull(problem["detail"]);
    }

    [Fact]
    public async Task Article_CompressedInGzip_IsUnsupported()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/articles");
        request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        request.Content.Headers.ContentEncoding.Add("gzip");
        using var response = await _server.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task Lines_GoodAndBad_RejectTheBadOnesAlone()
    {
        var answer = await _server.PostLines(
            "\uFEFF{\"id\": \"a\", \"text\": \"one\"}\r\n" +
            "nonsense\n" +
            "\n" +
            "{\"id\": \"b\", \"text\": \"\"}\n" +
            "{\"id\": \"a\", \"text\": \"one\"}\n" +
            "{\"id\": \"c\", \"text\": \"three\", \"text\": \"four\"}\n" +
            "{\"id\": \"d\", \"text\": \"five\"}\n" +
            "{\"id\": \"e\", \"text\": \"cut o");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal((2, 1), ((int)answer.Json["accepted"]!, (int)answer.Json["duplicates"]!));
        var rejected = answer.Json["rejected"]!.AsArray();
        Assert.Equal([2, 4, 6, 8], rejected.Select(line => (int)line!["line"]!));
        Assert.All(rejected, line => Assert.False(string.IsNullOrEmpty((string?)line!["error"])));
        Assert.Equal(["a", "d"], (await _server.Store.List(new DocumentQuery(), Cancellation)).Items.Select(item => item.Id));
    }

    [Fact]
    public async Task Lines_OfNothing_AreZero() =>
        Assert.Equal("""{"accepted":0,"duplicates":0,"rejected":[]}""", (await _server.PostLines("")).Text);

    [Fact]
    public async Task Lines_OverSeveralBatches_AreStoredInOrder()
    {
        var answer = await _server.PostLines(
            string.Concat(Enumerable.Range(0, 1000).Select(i => $$"""{"id": "n{{i}}", "text": "text {{i}}"}""" + "\n")));

        Assert.Equal(1000, (int)answer.Json["accepted"]!);
        var documents = await _server.Store.ReadUnfinished(0, 2000, Cancellation);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"n{i}"), documents.Select(document => document.Id));
    }

    [Fact]
    public async Task Line_LongerThanTheLimit_IsRejectedAlone()
    {
        var answer = await _server.PostLines($$"""{"text": "{{new string('a', 5_000_000)}}"}""" + "\n{\"id\": \"b\", \"text\": \"two\"}\n");

        Assert.Equal(1, (int)answer.Json["accepted"]!);
        Assert.Equal(1, (int)answer.Json["rejected"]![0]!["line"]!);
    }

    [Fact]
    public async Task Lines_CutByALostConnection_KeepWhatWasStored()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_server.Address.Host, _server.Address.Port, Cancellation);
        var lines = string.Concat(Enumerable.Range(0, 600).Select(i => $$"""{"id": "n{{i}}", "text": "text {{i}}"}""" + "\n"));
        var head = "POST /v1/articles HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n" +
            $"Content-Length: {lines.Length + 1000}\r\n\r\n";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + lines), Cancellation);
        while ((await _server.Store.Count(Cancellation)).Total < 512) await Task.Delay(10, Cancellation);
        client.Close();

        // Two whole batches of 256 are there, the third was cut off; sending all again completes it.
        var answer = await _server.PostLines(lines);
        Assert.Equal(600, (int)answer.Json["accepted"]! + (int)answer.Json["duplicates"]!);
        Assert.True((int)answer.Json["duplicates"]! >= 512);
        Assert.Equal(600, (await _server.Store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Lines_OverTheLimitOfLines_SayWhereToGoOn()
    {
        await using var server = await RunningServer.Start(new RsrNetOptions { Articles = new ArticleLimits { BatchLines = 3 } });

        var problem = (await server.PostLines(Lines(0, 5))).Problem(413);

        Assert.Equal((3, 4), ((int)problem["accepted"]!, (int)problem["nextLine"]!));
        Assert.Equal(3, (await server.Store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Backlog_ThatIsFull_AnswersTooManyRequests()
    {
        await using var server = await RunningServer.Start(new RsrNetOptions { Articles = new ArticleLimits { Backlog = 2 } });
        await server.PostLines(Lines(0, 2));

        var answer = await server.PostJson("/v1/articles", """{"id": "late", "text": "x"}""");

        answer.Problem(429);
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        Assert.Null(await server.Store.Find("late", Cancellation));
    }

    [Fact]
    public async Task Backlog_ThatFillsInTheMiddleOfLines_SaysWhatIsStoredAndWhereToGoOn()
    {
        await using var server = await RunningServer.Start(
            new RsrNetOptions { Articles = new ArticleLimits { Backlog = 300 } }, new ServerOptions { BacklogWaitSeconds = 0 });
        // Line 100 is bad and before the end of the first batch; line 900 would be bad as well, but is never dealt with.
        var lines = Lines(0, 99) + "bad\n" + Lines(99, 799) + "bad\n" + Lines(898, 100);

        var answer = await server.PostLines(lines);

        var problem = answer.Problem(429);
        Assert.Equal(512, (int)problem["accepted"]!);
        Assert.Equal(0, (int)problem["duplicates"]!);
        Assert.Equal(514, (int)problem["nextLine"]!);
        Assert.Equal([100], problem["rejected"]!.AsArray().Select(line => (int)line!["line"]!));
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal(512, (await server.Store.Count(Cancellation)).Total);
        Assert.NotNull(await server.Store.Find("n511", Cancellation));
        Assert.Null(await server.Store.Find("n512", Cancellation));
    }

    [Fact]
    public async Task Backlog_ThatEmptiesInTime_OnlySlowsLinesDown()
    {
        await using var server = await RunningServer.Start(
            new RsrNetOptions { Articles = new ArticleLimits { Backlog = 256 } }, new ServerOptions { BacklogWaitSeconds = 60 });

        var sending = server.PostLines(Lines(0, 300));
        while ((await server.Store.Count(Cancellation)).Total < 256) await Task.Delay(10, Cancellation);
        var waiting = await server.Store.ReadUnfinished(0, 300, Cancellation);
        await server.Store.Save([.. waiting.Select(document => document with { Status = DocumentStatus.Exhausted })], Cancellation);

        Assert.Equal(300, (int)(await sending).Json["accepted"]!);
    }

    [Fact]
    public async Task Disk_ThatIsFull_IsUnavailableAndThenFineAgain()
    {
        await using var server = await RunningServer.Start(maxPages: 60);
        var article = new JsonObject { ["id"] = "big", ["text"] = new string('a', 900_000) }.ToJsonString();

        var answer = await server.PostJson("/v1/articles", article);
        var lines = await server.PostLines(Lines(0, 2) + article + "\n" + Lines(2, 1));

        Assert.Contains("full", (string)answer.Problem(503)["detail"]!, StringComparison.Ordinal);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal((0, 1), ((int)lines.Problem(503)["accepted"]!, (int)lines.Json["nextLine"]!));
        await server.Store.AllowPages(100_000);
        Assert.Equal(HttpStatusCode.Accepted, (await server.PostJson("/v1/articles", article)).Status);
    }

    private static string Lines(int first, int count) =>
        string.Concat(
            Enumerable.Range(first, count).Select(i => JsonSerializer.Serialize(new { id = $"n{i}", text = $"text {i}" }) + "\n"));
}
