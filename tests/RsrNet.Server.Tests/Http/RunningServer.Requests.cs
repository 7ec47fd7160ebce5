using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using RsrNet.Server.Articles;

namespace RsrNet.Server.Tests.Http;

/// <summary>What tests send to a server. Which learner is behind it is the other half's business: the same tests run over each.</summary>
public sealed partial class RunningServer
{
    private readonly RsrNetServer _server;

    public HttpClient Client { get; }

    public DemoStream Demo => _server.Demo;

    public Uri Address => _server.Addresses[0];

    public Task Stop() => _server.Stop();

    public Task<Answer> Get(string path) => Send(HttpMethod.Get, path);

    public Task<Answer> PostJson(string path, string json) => Send(HttpMethod.Post, path, Encoding.UTF8.GetBytes(json), "application/json");

    public Task<Answer> PostLines(string lines) =>
        Send(HttpMethod.Post, "/v1/articles", Encoding.UTF8.GetBytes(lines), "application/x-ndjson");

    public async Task<Answer> Send(HttpMethod method, string path, byte[]? body = null, string? type = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        }
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        var bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return new Answer(response.StatusCode, response.Headers, response.Content.Headers, bytes);
    }

    /// <summary>Follows server-sent events line by line.</summary>
    public async Task<StreamReader> Follow(string path, string? lastEventId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null) request.Headers.Add("Last-Event-ID", lastEventId);
        var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
    }
}

/// <summary>What a server answered.</summary>
public sealed record Answer(HttpStatusCode Status, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public JsonObject Json => JsonNode.Parse(Body)!.AsObject();

    /// <summary>Checks that the answer is problem details of this status.</summary>
    public JsonObject Problem(int status)
    {
        Assert.True((int)Status == status, $"status {(int)Status} instead of {status}: {Text}");
        Assert.Equal("application/problem+json", ContentHeaders.ContentType?.MediaType);
        Assert.Equal(status, (int)Json["status"]!);
        Assert.False(string.IsNullOrEmpty((string?)Json["title"]));
        Assert.False(string.IsNullOrEmpty((string?)Json["type"]));
        return Json;
    }

    /// <summary>Checks that the answer is a 400 whose errors name these fields and no other.</summary>
    public JsonObject Errors(params string[] fields)
    {
        var errors = Problem(400)["errors"]!.AsObject();
        Assert.Equal(fields.Order(StringComparer.Ordinal), errors.Select(error => error.Key).Order(StringComparer.Ordinal));
        return errors;
    }

    public IEnumerable<string> Keys => Json.Select(one => one.Key);
}
