using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Telemetry;

public sealed class TelemetryRoutesTests : IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() =>
        _server = await RunningServer.Start(serverOptions: new ServerOptions { TelemetrySeconds = 0.1 });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Telemetry_CountsWhatCameIn()
    {
        await _server.PostJson("/v1/articles", """{"id": "a", "text": "x"}""");
        await _server.PostJson("/v1/articles", """{"id": "a", "text": "x"}""");

        // Documents are counted now and then.
        JsonObject telemetry;
        do telemetry = (await _server.Get("/v1/telemetry")).Json;
        while ((int)telemetry["documents"]!["total"]! == 0);

        Assert.Equal((1, 1), ((int)telemetry["accepted"]!, (int)telemetry["duplicates"]!));
        Assert.Equal("hashed-768-1", (string)telemetry["encoder"]!);
        Assert.Equal((1, 1), ((int)telemetry["documents"]!["pending"]!, (int)telemetry["documents"]!["total"]!));
        Assert.False(telemetry.ContainsKey("loss"));
        Assert.False(telemetry.ContainsKey("problem"));
    }

    [Fact]
    public async Task TelemetryEvents_ComeAgainAndAgain()
    {
        using var events = await _server.Follow("/v1/telemetry/events");
        var moments = new List<DateTimeOffset>();
        while (moments.Count < 3 && await events.ReadLineAsync(Cancellation) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal)) moments.Add((DateTimeOffset)JsonNode.Parse(line[6..])!["at"]!);
        }

        Assert.True(moments[0] < moments[1] && moments[1] < moments[2]);
    }

    [Fact]
    public async Task Probes_AnswerWhileAllIsWell()
    {
        Assert.Equal("""{"status":"live"}""", (await _server.Get("/health/live")).Text);
        Assert.Equal("""{"status":"ready"}""", (await _server.Get("/health/ready")).Text);
    }

    [Fact]
    public async Task Page_IsSelfContainedAndGuarded()
    {
        var answer = await _server.Get("/");

        Assert.Equal((HttpStatusCode.OK, "text/html"), (answer.Status, answer.ContentHeaders.ContentType?.MediaType));
        Assert.Contains("<h1", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", answer.Text, StringComparison.Ordinal);
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        foreach (Match file in Regex.Matches(answer.Text, "(?:src|href)=\"(assets/[^\"]+|_framework/[^\"]+)\""))
        {
            var asset = await _server.Get("/" + file.Groups[1].Value);
            Assert.Equal(HttpStatusCode.OK, asset.Status);
            Assert.NotEmpty(asset.Text);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await _server.Get("/assets/nothing.js")).Status);
    }

    [Fact]
    public async Task History_HoldsWhatWasSeen_AndNamesWrongParameters()
    {
        JsonObject history;
        do history = (await _server.Get("/v1/telemetry/history?seconds=60&points=30")).Json;
        while (history["series"]!["documents"]!.AsArray().Count == 0);

        Assert.Equal(0, (double)history["series"]!["documents"]![0]!["value"]!);
        Assert.Null(history["series"]!["loss"]![0]!["value"]);
        var wrong = await _server.Get("/v1/telemetry/history?seconds=0&points=1");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.Status);
        Assert.Equal(["points", "seconds"], wrong.Json["errors"]!.AsObject().Select(error => error.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task OpenApi_DescribesEveryRoute()
    {
        var paths = (await _server.Get("/openapi/v1.json")).Json["paths"]!.AsObject();

        var routes = paths.SelectMany(
            path => path.Value!.AsObject().Select(method => $"{method.Key.ToUpperInvariant()} {path.Key}")).Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "DELETE /v1/documents/{id}", "DELETE /v1/models/{name}",
                "GET /health/live",
                "GET /health/ready",
                "GET /metrics",
                "GET /v1/documents",
                "GET /v1/documents/{id}",
                "GET /v1/documents/{id}/events",
                "GET /v1/map",
                "GET /v1/models",
                "GET /v1/models/{name}",
                "GET /v1/models/{name}/weights",
                "GET /v1/models/{name}/weights/{version}",
                "GET /v1/telemetry",
                "GET /v1/telemetry/events",
                "GET /v1/telemetry/history",
                "GET /v1/weights",
                "GET /v1/weights/shadow",
                "GET /v1/weights/{version}",
                "POST /v1/articles",
                "POST /v1/documents/{id}/highlights",
                "POST /v1/documents/{id}/labels",
                "POST /v1/documents/{id}/refine",
                "POST /v1/models/{name}/classify",
                "POST /v1/models/{name}/embed",
                "POST /v1/models/{name}/generate",
                "POST /v1/models/{name}/weights",
                "POST /v1/models/{name}/weights/{version}/restore",
                "POST /v1/search",
                "POST /v1/weights",
                "POST /v1/weights/shadow/promote",
                "POST /v1/weights/{version}/restore",
                "PUT /v1/models/{name}",
                "PUT /v1/models/{name}/weights",
                "PUT /v1/weights",
            ],
            routes);
        var body = paths["/v1/articles"]!["post"]!["requestBody"]!["content"]!.AsObject();
        Assert.Equal(["application/json", "application/x-ndjson"], body.Select(type => type.Key));
        Assert.Equal(["text"], body["application/json"]!["schema"]!["required"]!.AsArray().Select(field => (string)field!));
        var statuses = (await _server.Get("/openapi/v1.json")).Json["components"]!["schemas"]!["DocumentStatus"]!["enum"]!.AsArray();
        Assert.Equal(["pending", "refining", "converged", "exhausted", "failed"], statuses.Select(status => (string)status!));
    }
}
