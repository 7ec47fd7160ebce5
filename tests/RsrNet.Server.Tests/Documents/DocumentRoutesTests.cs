using System.Net;
using System.Text.Json.Nodes;
using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Documents;

public sealed class DocumentRoutesTests : IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.Start();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Document_BeforeItsFirstStep_HasEveryKeyThatIsNotOptional()
    {
        await Put("a");

        var answer = await _server.Get("/v1/documents/a");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(
            ["id", "revision", "title", "status", "step", "weightVersion", "confidence", "residual", "ingestedAt", "trajectory", "readout", "summary"],
            answer.Keys);
        var document = answer.Json;
        Assert.Equal(("a", 1), ((string)document["id"]!, (int)document["revision"]!));
        Assert.Equal(("pending", 0), ((string)document["status"]!, (int)document["step"]!));
        Assert.Null(answer.Json["title"]);
        Assert.Equal("""{"y":null,"z":null}""", answer.Json["residual"]!.ToJsonString());
        Assert.Equal("[]", answer.Json["trajectory"]!.ToJsonString());
    }

    [Fact]
    public async Task Document_AfterTwoSteps_ShowsThem()
    {
        await Put("a", "The cat sat on the mat. The dog ran away. Nothing else happened today.", title: "Pets");

        var refined = await _server.PostJson("/v1/documents/a/refine", """{"steps": 2}""");
        var answer = await _server.Get("/v1/documents/a");

        Assert.Equal(HttpStatusCode.OK, refined.Status);
        Assert.Equal(refined.Text, answer.Text);
        var document = answer.Json;
        Assert.Equal(
            ["id", "revision", "title", "status", "step", "weightVersion", "confidence", "residual", "ingestedAt", "trajectory", "readout", "summary"],
            answer.Keys);
        Assert.Equal(("Pets", 2), ((string)document["title"]!, (int)document["step"]!));
        Assert.Contains((string)document["status"]!, (string[])["refining", "converged", "exhausted"]);
        Assert.InRange((float)document["confidence"]!, 0, 1);
        var trajectory = document["trajectory"]!.AsArray();
        Assert.Equal([1, 2], trajectory.Select(point => (int)point!["step"]!));
        Assert.Equal(
            ["step", "weightVersion", "residualY", "residualZ", "confidence", "at"], trajectory[0]!.AsObject().Select(field => field.Key));
        Assert.Equal(1f, (float)trajectory[0]!["residualY"]!);
        Assert.Equal((float)document["residual"]!["y"]!, (float)trajectory[1]!["residualY"]!);
        Assert.Equal((float)document["residual"]!["z"]!, (float)trajectory[1]!["residualZ"]!);
        var summary = document["summary"]!.AsArray();
        Assert.NotEmpty(summary);
        Assert.Equal(["sentence", "position", "score", "contributions"], summary[0]!.AsObject().Select(field => field.Key));
        Assert.Equal(
            summary.Select(sentence => (int)sentence!["position"]!).Order(), summary.Select(sentence => (int)sentence!["position"]!));
    }

    [Fact]
    public async Task Document_ThatWasLearnedFrom_ShowsLossAndSimilarity()
    {
        await using var server = await RunningServer.Start(learning: true);
        // In one request, so that they are learned from as one batch.
        await server.PostLines(
            """
            {"id": "n0", "text": "A long enough text number 0.", "highlights": ["text 0"]}
            {"id": "n1", "text": "A long enough text number 1.", "highlights": ["text 1"]}
            """);

        var document = (await server.Get("/v1/documents/n0")).Json;
        while (!document.ContainsKey("loss"))
        {
            await Task.Delay(20, Cancellation);
            document = (await server.Get("/v1/documents/n0")).Json;
        }

        Assert.True((float)document["loss"]! > 0);
        Assert.InRange((float)document["similarity"]!, -1, 1);
        Assert.Contains(document["trajectory"]!.AsArray(), point => (float?)point!["loss"] > 0);
    }

    [Theory]
    [InlineData("vectors", new[] { "y", "z" })]
    [InlineData("text", new[] { "text" })]
    [InlineData("vectors,text", new[] { "text", "y", "z" })]
    public async Task Include_AddsWhatItNames(string include, string[] keys)
    {
        await Put("a", "Some words.");
        await _server.PostJson("/v1/documents/a/refine", "{}");

        var answer = await _server.Get($"/v1/documents/a?include={include}");

        Assert.Equal(keys, answer.Keys.Intersect(["text", "y", "z", "x"]));
        if (keys.Contains("y")) Assert.Equal((768, 4), (answer.Json["y"]!.AsArray().Count, answer.Json["z"]!.AsArray().Count));
        if (keys.Contains("text")) Assert.Equal("Some words.", (string)answer.Json["text"]!);
    }

    [Theory]
    [InlineData("vector")]
    [InlineData("")]
    [InlineData("text,,vectors")]
    public async Task Include_OfSomethingElse_IsRefused(string include)
    {
        await Put("a");
        (await _server.Get($"/v1/documents/a?include={include}")).Errors("include");
    }

    [Fact]
    public async Task Document_WithNumbersThatAreNone_IsStillJson()
    {
        await Put("a");
        var document = (await _server.Store.Find("a", Cancellation))!;
        float[] broken = [.. Enumerable.Repeat(float.NaN, 768)];
        await _server.Store.Save(
            [
                document with
                {
                    Status = DocumentStatus.Failed, Failure = "y is no number",
                    State = new RefinementState(
                        broken, [float.PositiveInfinity], 1, 0, float.NaN, float.PositiveInfinity, float.NaN, null, null),
                },
            ],
            Cancellation);

        var answer = await _server.Get("/v1/documents/a?include=vectors");

        Assert.Equal(("failed", "y is no number"), ((string)answer.Json["status"]!, (string)answer.Json["failure"]!));
        Assert.Null(answer.Json["residual"]!["y"]);
        Assert.Null(answer.Json["y"]![0]);
    }

    [Theory]
    [InlineData("GET", "/v1/documents/nobody")]
    [InlineData("GET", "/v1/documents/a%2Fb")]
    [InlineData("GET", "/v1/documents/%00")]
    [InlineData("GET", "/v1/documents/nobody/events")]
    [InlineData("DELETE", "/v1/documents/nobody")]
    [InlineData("POST", "/v1/documents/nobody/refine")]
    public async Task Document_ThatIsNotThere_IsNotFound(string method, string path)
    {
        // The client cannot send %00 in the path; the server refuses it before any route sees it.
        if (path.EndsWith("%00", StringComparison.Ordinal))
            Assert.Contains((int)(await _server.Send(new HttpMethod(method), path)).Status, (int[])[400, 404]);
        else (await _server.Send(new HttpMethod(method), path)).Problem(404);
    }

    [Fact]
    public async Task Document_WithAnIdOfAThousandCharacters_IsNotFound()
    {
        var problem = (await _server.Get($"/v1/documents/{new string('a', 1000)}")).Problem(404);
        Assert.True(((string)problem["detail"]!).Length < 200);
    }

    [Fact]
    public async Task Delete_RemovesFromStoreListAndSearch()
    {
        await Put("a", "An article about apples.");
        await _server.PostJson("/v1/documents/a/refine", "{}");

        var answer = await _server.Send(HttpMethod.Delete, "/v1/documents/a");

        Assert.Equal((HttpStatusCode.NoContent, 0), (answer.Status, answer.Body.Length));
        (await _server.Get("/v1/documents/a")).Problem(404);
        (await _server.Send(HttpMethod.Delete, "/v1/documents/a")).Problem(404);
        Assert.Empty((await _server.Get("/v1/documents")).Json["items"]!.AsArray());
        Assert.Empty((await _server.PostJson("/v1/search", """{"text": "apples"}""")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task List_GivesPagesUntilTheEnd()
    {
        for (var i = 0; i < 5; i++) await Put($"n{i}");

        var first = (await _server.Get("/v1/documents?limit=3")).Json;
        var second = await _server.Get($"/v1/documents?limit=3&cursor={(string)first["next"]!}");

        Assert.Equal(["n0", "n1", "n2"], first["items"]!.AsArray().Select(item => (string)item!["id"]!));
        Assert.Equal(["n3", "n4"], second.Json["items"]!.AsArray().Select(item => (string)item!["id"]!));
        Assert.Equal(["items"], second.Keys);
        Assert.Equal(
            ["id", "revision", "title", "status", "step", "weightVersion", "confidence", "residual", "ingestedAt", "hasHighlights"],
            first["items"]![0]!.AsObject().Select(field => field.Key));
    }

    [Fact]
    public async Task List_OfAStatus_GivesOnlyThose()
    {
        await Put("a");
        await Put("b");
        await _server.Store.Save([(await _server.Store.Find("b", Cancellation))! with { Status = DocumentStatus.Exhausted }], Cancellation);

        Assert.Equal(
            ["b"], (await _server.Get("/v1/documents?status=exhausted")).Json["items"]!.AsArray().Select(item => (string)item!["id"]!));
        Assert.Equal(
            ["a"], (await _server.Get("/v1/documents?status=pending")).Json["items"]!.AsArray().Select(item => (string)item!["id"]!));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=ten", "limit")]
    [InlineData("limit=", "limit")]
    [InlineData("limit=99999999999999999999", "limit")]
    [InlineData("status=done", "status")]
    [InlineData("status=Pending", "status")]
    [InlineData("status=0", "status")]
    [InlineData("status=", "status")]
    [InlineData("cursor=abc", "cursor")]
    [InlineData("cursor=", "cursor")]
    public async Task List_WithAWrongParameter_IsRefusedByName(string query, string parameter) =>
        (await _server.Get($"/v1/documents?{query}")).Errors(parameter);

    [Fact]
    public async Task List_WithSeveralWrongParameters_NamesThemAll() =>
        (await _server.Get("/v1/documents?limit=x&status=y&cursor=z")).Errors("limit", "status", "cursor");

    [Fact]
    public async Task Refine_WithoutBody_DoesOneStep()
    {
        await Put("a", "Some words of an article.");

        var answer = await _server.Send(HttpMethod.Post, "/v1/documents/a/refine");

        Assert.Equal(1, (int)answer.Json["step"]!);
    }

    [Fact]
    public async Task Refine_UntilAResidual_StopsThere()
    {
        await Put("a", "Some words of an article.");

        var document = (await _server.PostJson("/v1/documents/a/refine", """{"steps": 200, "untilResidual": 0.5}""")).Json;

        Assert.InRange((int)document["step"]!, 2, 199);
        Assert.True((float)document["residual"]!["y"]! < 0.5f && (float)document["residual"]!["z"]! < 0.5f);
    }

    [Theory]
    [InlineData("""{"steps": 0}""", "steps")]
    [InlineData("""{"steps": 1001}""", "steps")]
    [InlineData("""{"steps": 1.5}""", "steps")]
    [InlineData("""{"steps": "3"}""", "steps")]
    [InlineData("""{"untilResidual": 0}""", "untilResidual")]
    [InlineData("""{"untilResidual": 1}""", "untilResidual")]
    [InlineData("""{"untilResidual": 1e999}""", "untilResidual")]
    [InlineData("""{"timeLimitMs": 0}""", "timeLimitMs")]
    [InlineData("""{"step": 3}""", "step")]
    [InlineData("""{"steps": 1, "steps": 2}""", "steps")]
    [InlineData("[]", "body")]
    [InlineData("{", "body")]
    public async Task Refine_WithAWrongField_IsRefusedByName(string json, string field)
    {
        await Put("a");
        (await _server.PostJson("/v1/documents/a/refine", json)).Errors(field);
    }

    [Fact]
    public async Task Refine_OfAnotherMediaType_IsUnsupported()
    {
        await Put("a");
        (await _server.Send(
            HttpMethod.Post, "/v1/documents/a/refine", "steps=3"u8.ToArray(), "application/x-www-form-urlencoded")).Problem(415);
    }

    [Fact]
    public async Task Search_ByTextAndById_GivesTheNearestFirst()
    {
        await using var server = await RunningServer.Start(learning: true);
        await server.PostLines("""
            {"id": "apples", "text": "Apples grow on apple trees in the orchard of the farmer.", "title": "Fruit"}
            {"id": "pears", "text": "Pears grow on pear trees in the orchard of the farmer."}
            {"id": "rockets", "text": "The rocket left its launch pad and reached orbit."}
            """);
        // The index hears of a document once it is refined and stored.
        while ((await server.PostJson("/v1/search", """{"text": "a"}""")).Json["items"]!.AsArray().Count < 3)
            await Task.Delay(10, Cancellation);

        var byText = (await server.PostJson("/v1/search", """{"text": "apple trees of the farmer", "k": 2}""")).Json["items"]!.AsArray();
        var byId = (await server.PostJson("/v1/search", """{"id": "pears"}""")).Json["items"]!.AsArray();

        Assert.Equal(["id", "title", "score"], byText[0]!.AsObject().Select(field => field.Key));
        Assert.Equal(("apples", "Fruit", 2), ((string)byText[0]!["id"]!, (string)byText[0]!["title"]!, byText.Count));
        Assert.Equal(["apples", "rockets"], byId.Select(hit => (string)hit!["id"]!));
        Assert.True((float)byId[0]!["score"]! >= (float)byId[1]!["score"]!);
        Assert.InRange((float)byId[0]!["score"]!, -1.0001f, 1.0001f);
    }

    [Theory]
    [InlineData("{}", "body")]
    [InlineData("""{"text": "a", "id": "b"}""", "body")]
    [InlineData("""{"text": ""}""", "text")]
    [InlineData("""{"text": 5}""", "text")]
    [InlineData("""{"id": []}""", "id")]
    [InlineData("""{"text": "a", "k": 0}""", "k")]
    [InlineData("""{"text": "a", "k": 1001}""", "k")]
    [InlineData("""{"text": "a", "K": 3}""", "K")]
    [InlineData("""{"text": "\ud800"}""", "text")]
    [InlineData("\"a\"", "body")]
    public async Task Search_WithAWrongField_IsRefusedByName(string json, string field) =>
        (await _server.PostJson("/v1/search", json)).Errors(field);

    [Fact]
    public async Task Search_ByADocumentThatIsNotThere_IsNotFound() =>
        (await _server.PostJson("/v1/search", """{"id": "nobody"}""")).Problem(404);

    [Fact]
    public async Task Search_OfAnotherMediaType_IsUnsupported() =>
        (await _server.Send(HttpMethod.Post, "/v1/search", "a"u8.ToArray(), "text/plain")).Problem(415);

    [Fact]
    public async Task Events_BeginWithTheLatestStepAndGoOnAsTheyHappen()
    {
        await Put("a", "Some words of an article.");
        await _server.PostJson("/v1/documents/a/refine", """{"steps": 2}""");

        using var events = await _server.Follow("/v1/documents/a/events");
        var first = await ReadEvent(events);
        await _server.PostJson("/v1/documents/a/refine", """{"steps": 2}""");
        var second = await ReadEvent(events);
        var third = await ReadEvent(events);

        Assert.Equal(("step", "2"), (first.Name, first.Id));
        Assert.Equal(("3", "4"), (second.Id, third.Id));
        Assert.Equal(["step", "weightVersion", "residualY", "residualZ", "confidence", "at"], second.Data.Select(field => field.Key));
        Assert.Equal(3, (int)second.Data["step"]!);
    }

    [Fact]
    public async Task Events_BeforeTheFirstStep_WaitForIt()
    {
        await Put("a", "Some words of an article.");

        using var events = await _server.Follow("/v1/documents/a/events");
        var next = ReadEvent(events);
        await _server.PostJson("/v1/documents/a/refine", "{}");

        Assert.Equal("1", (await next).Id);
    }

    [Fact]
    public async Task Events_AfterALostConnection_GoOnBehindTheLastOne()
    {
        await Put("a", "Some words of an article.");
        await _server.PostJson("/v1/documents/a/refine", """{"steps": 4}""");

        using var events = await _server.Follow("/v1/documents/a/events", lastEventId: "2");

        Assert.Equal(("3", "4"), ((await ReadEvent(events)).Id, (await ReadEvent(events)).Id));
    }

    [Fact]
    public async Task Events_OfADeletedDocument_End()
    {
        await Put("a", "Some words of an article.");
        using var events = await _server.Follow("/v1/documents/a/events");
        await events.ReadLineAsync(Cancellation);
        // The follower is told of steps once it has been answered; a step makes sure it watches.
        await _server.PostJson("/v1/documents/a/refine", "{}");
        await ReadEvent(events);

        await _server.Send(HttpMethod.Delete, "/v1/documents/a");

        Assert.DoesNotContain("event:", await events.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_WithNothingToSay_KeepTheConnectionAlive()
    {
        await using var server = await RunningServer.Start(serverOptions: new ServerOptions { KeepAliveSeconds = 0.1 });
        await server.PostJson("/v1/articles", """{"id": "a", "text": "x"}""");

        using var events = await server.Follow("/v1/documents/a/events");
        var lines = new List<string?>();
        for (var i = 0; i < 5; i++) lines.Add(await events.ReadLineAsync(Cancellation));

        Assert.Equal([": following", "", ": keep-alive", "", ": keep-alive"], lines);
    }

    [Fact]
    public async Task Events_WhenTheServerStops_EndAtOnce()
    {
        await Put("a");
        using var events = await _server.Follow("/v1/documents/a/events");
        using var telemetry = await _server.Follow("/v1/telemetry/events");
        await events.ReadLineAsync(Cancellation);

        var stopping = System.Diagnostics.Stopwatch.StartNew();
        await _server.Stop();

        Assert.NotNull(await events.ReadToEndAsync(Cancellation));
        Assert.NotNull(await telemetry.ReadToEndAsync(Cancellation));
        // The server waits ten seconds for requests that do not end.
        Assert.True(stopping.Elapsed < TimeSpan.FromSeconds(9), $"stopping took {stopping.Elapsed}");
    }

    private async Task Put(string id, string text = "text", string? title = null)
    {
        var article = new JsonObject { ["id"] = id, ["text"] = text };
        if (title is not null) article["title"] = title;
        Assert.Equal(HttpStatusCode.Accepted, (await _server.PostJson("/v1/articles", article.ToJsonString())).Status);
    }

    private static async Task<(string? Name, string? Id, JsonObject Data)> ReadEvent(StreamReader events)
    {
        string? name = null, id = null;
        while (await events.ReadLineAsync(Cancellation) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            else if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) return (name, id, JsonNode.Parse(line[6..])!.AsObject());
        }
        throw new EndOfStreamException("the stream of events ended");
    }
}
