using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace RsrNet.Server.Tests.Cli;

/// <summary>show, documents and search against answers as api.md has them.</summary>
public sealed class DocumentCommandTests : IDisposable
{
    private const string Document =
        """
        {"id":"a:1","revision":2,"title":"Rain \u001b[31mred","status":"converged","step":3,"weightVersion":7,"confidence":0.5,
         "residual":{"y":0.004,"z":0.002},"loss":0.25,"similarity":0.75,
         "trajectory":[{"step":1,"weightVersion":5,"residualY":1,"residualZ":1,"confidence":0.5,"at":"2026-01-01T00:00:00Z"},
                       {"step":2,"weightVersion":6,"residualY":0.1,"residualZ":0.05,"confidence":0.5,"at":"2026-01-01T00:00:01Z"},
                       {"step":3,"weightVersion":7,"residualY":0.004,"residualZ":0.002,"confidence":0.5,"at":"2026-01-01T00:00:02Z"}],
         "summary":[{"sentence":"It rained.","position":0,"score":0.9},{"sentence":"It stopped.","position":4,"score":0.4}]}
        """;

    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Show_PrintsStateChartAndSummary_WithoutControlCharacters()
    {
        await using var server = await ScriptedServer.Start((_, response) => ScriptedServer.Json(response, Document));
        var outcome = await command.Of("show", "a:1", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Contains("converged", outcome.Results, StringComparison.Ordinal);
        Assert.Contains("y 0.0040, z 0.0020", outcome.Results, StringComparison.Ordinal);
        Assert.Contains("It rained.", outcome.Results, StringComparison.Ordinal);
        Assert.Contains("step (y: residual of y", outcome.Results, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', outcome.Results);
        Assert.Equal("GET /v1/documents/a:1", Assert.Single(server.Requests));
    }

    [Fact]
    public async Task ShowJson_IsTheServersAnswer()
    {
        await using var server = await ScriptedServer.Start((_, response) => ScriptedServer.Json(response, Document));
        var outcome = await command.Of("show", "a:1", "--json", "--url", server.Url);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Document), outcome.Json));
    }

    [Fact]
    public async Task ShowOfAnUnknownId_ExitsWithOneAndSaysWhatThereIs()
    {
        await using var server = await ScriptedServer.Start(
            (_, response) => ScriptedServer.Json(response, """{"title":"Not found"}""", 404));
        var outcome = await command.Of("show", "nobody", "--url", server.Url);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("'nobody'", outcome.Notices, StringComparison.Ordinal);
        Assert.Empty(outcome.Results);
    }

    [Fact]
    public async Task ShowWatch_PrintsEachStep_UntilInterrupted()
    {
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var server = await ScriptedServer.Start(async (request, response) =>
        {
            if (!request.Path.Value!.EndsWith("/events", StringComparison.Ordinal))
            {
                await ScriptedServer.Json(response, Document);
                return;
            }
            response.ContentType = "text/event-stream";
            await response.WriteAsync(
                "data: {\"step\":4,\"weightVersion\":8,\"residualY\":0.002,\"residualZ\":0.001,\"confidence\":0.5}\n\n");
            await response.Body.FlushAsync();
            // The client has the event once it hangs up, which it does a while after the interrupt.
            interrupt.CancelAfter(200);
            await Task.Delay(Timeout.Infinite, request.HttpContext.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        var outcome = await command.Interruptible(interrupt.Token, "show", "a:1", "--watch", "--json", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(2, outcome.JsonLines.Count);
        Assert.Equal(4, outcome.JsonLines[1]["step"]!.GetValue<int>());
    }

    [Fact]
    public async Task Documents_GoesThroughPagesUpToTheLimit()
    {
        await using var server = await ScriptedServer.Start((request, response) =>
        {
            var first = !request.Query.ContainsKey("cursor");
            var items = Enumerable.Range(first ? 0 : 1000, int.Parse(request.Query["limit"]!, null))
                .Select(i => $$"""{"id":"d{{i}}","status":"pending","step":0}""");
            return ScriptedServer.Json(response, $$"""{"items":[{{string.Join(",", items)}}],"next":"c{{(first ? 1 : 2)}}"}""");
        });
        var outcome = await command.Of("documents", "--limit", "1200", "--status", "pending", "--json", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(1200, outcome.Json["items"]!.AsArray().Select(item => item!["id"]!.GetValue<string>()).Distinct().Count());
        Assert.Equal("c2", outcome.Json["next"]!.GetValue<string>());
        Assert.Equal(
            ["GET /v1/documents?limit=1000&status=pending", "GET /v1/documents?limit=200&status=pending&cursor=c1"], server.Requests);
    }

    [Fact]
    public async Task Search_SendsTheWordsAsOneText()
    {
        await using var server = await ScriptedServer.Start((_, response) =>
            ScriptedServer.Json(response, """{"items":[{"id":"a","title":"Rain","score":0.5}]}"""));
        var outcome = await command.Of("search", "rain", "tomorrow", "--k", "3", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Contains("0.500", outcome.Results, StringComparison.Ordinal);
        Assert.Equal("""{"k":3,"text":"rain tomorrow"}""", JsonNode.Parse(Assert.Single(server.Bodies))!.ToJsonString());
    }

    [Fact]
    public async Task ProblemDetails_AreShownWithTheirFields()
    {
        await using var server = await ScriptedServer.Start((_, response) => ScriptedServer.Json(
            response, """{"title":"Bad request","status":400,"detail":"The query is wrong.","errors":{"text":["is too long"]}}""", 400));
        var outcome = await command.Of("search", "rain", "--url", server.Url);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("The query is wrong.; text: is too long", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SomethingElseAnswers_IsSaid()
    {
        await using var server = await ScriptedServer.Start((_, response) => ScriptedServer.Json(response, "<html>hello</html>"));
        var outcome = await command.Of("documents", "--url", server.Url);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("is it an RSR-Net server?", outcome.Notices, StringComparison.Ordinal);
    }
}
