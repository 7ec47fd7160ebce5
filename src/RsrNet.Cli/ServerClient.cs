using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RsrNet.Cli;

/// <summary>Talks to a running server over its HTTP API.</summary>
internal sealed class ServerClient : IDisposable
{
    private readonly Uri address;
    private readonly HttpClient http;

    /// <param name="address">Ends with a slash.</param>
    /// <param name="terminal">Its variable RSRNET_KEY is the server's key, where that asks for one.</param>
    public ServerClient(Uri address, Terminal terminal)
    {
        this.address = address;
        // A refinement or a large import may take long; a server that is gone shows as a refused or closed connection, not as silence.
        http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(10) };
        if (terminal.Variable("RSRNET_KEY") is { Length: > 0 } key) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public Uri Address => address;

    public static string Escape(string id) => Uri.EscapeDataString(id);

    /// <exception cref="CommandException">The server did not answer, or refused; the message says why.</exception>
    public async Task<JsonNode> Get(string path, CancellationToken cancellation) =>
        await ReadJson(await Send(new HttpRequestMessage(HttpMethod.Get, path), cancellation), cancellation);

    public async Task<JsonNode> Post(string path, JsonNode? body, CancellationToken cancellation) =>
        await ReadJson(
            await Send(
                new HttpRequestMessage(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) }, cancellation),
            cancellation);

    /// <summary>Sends a file's bytes and gives the server's answer.</summary>
    public async Task<JsonNode> PutFile(string path, Stream file, CancellationToken cancellation)
    {
        var content = new StreamContent(file);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return await ReadJson(await Send(new HttpRequestMessage(HttpMethod.Put, path) { Content = content }, cancellation), cancellation);
    }

    /// <summary>Copies the answer's body as it comes.</summary>
    public async Task Download(string path, Stream destination, CancellationToken cancellation)
    {
        using var response = await Send(new HttpRequestMessage(HttpMethod.Get, path), cancellation);
        try
        {
            await response.Content.CopyToAsync(destination, cancellation);
        }
        catch (HttpRequestException problem)
        {
            throw new CommandException($"{address} broke off: {problem.Message}", problem);
        }
    }

    /// <summary>
    /// Sends NDJSON. Unlike the other calls it gives back every answer, because the sender has a plan for most of them (wait, send again,
    /// send less).
    /// </summary>
    /// <exception cref="HttpRequestException">The server cannot be reached or broke off.</exception>
    public Task<HttpResponseMessage> PostLines(string path, ReadOnlyMemory<byte> lines, CancellationToken cancellation)
    {
        var content = new ReadOnlyMemoryContent(lines);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        return http.PostAsync(new Uri(path, UriKind.Relative), content, cancellation);
    }

    /// <summary>The data of the server-sent events of a path, until the server ends the stream.</summary>
    /// <param name="body">Posted; null for a GET.</param>
    public async IAsyncEnumerable<string> Events(string path, [EnumeratorCancellation] CancellationToken cancellation, JsonNode? body = null)
    {
        var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await Send(request, cancellation);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        await using var events = SseParser.Create(stream).EnumerateAsync(cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            try
            {
                if (!await events.MoveNextAsync()) yield break;
            }
            catch (Exception problem) when (problem is IOException or HttpRequestException)
            {
                throw new CommandException($"{address} broke off: {problem.Message}", problem);
            }
            yield return events.Current.Data;
        }
    }

    /// <summary>
    /// What an answer other than a success says, in one line: title, detail and named fields of problem details (RFC 9457).
    /// </summary>
    public static string Describe(HttpResponseMessage response, JsonObject problem)
    {
        var text = new StringBuilder(Text(problem["title"]) ?? $"{(int)response.StatusCode} {response.ReasonPhrase}");
        if (Text(problem["detail"]) is { Length: > 0 } detail && detail != text.ToString()) text.Append(": ").Append(detail);
        if (problem["errors"] is JsonObject errors)
        {
            // The detail of this server's own problems names the fields already.
            foreach (var (field, messages) in errors)
            {
                var all = messages is JsonArray array ? array.Select(Text) : [Text(messages)];
                foreach (var message in all)
                {
                    if (text.ToString().Contains(message ?? "", StringComparison.Ordinal)) continue;
                    text.Append("; ").Append(field).Append(": ").Append(message);
                }
            }
        }
        return text.ToString();
    }

    public void Dispose() => http.Dispose();

    private static async Task<string> ReadProblem(HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            return Describe(response, JsonNode.Parse(body) as JsonObject ?? []);
        }
        catch (JsonException)
        {
            return Describe(response, []);
        }
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? text : node?.ToJsonString();

    private async Task<HttpResponseMessage> Send(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage response;
        using (request)
        {
            try
            {
                response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            }
            catch (HttpRequestException problem)
            {
                throw new CommandException(
                    $"no server answers at {address} ({problem.Message}). Start one with `rsrnet serve`, or name another with --url.",
                    problem);
            }
            catch (TaskCanceledException problem) when (!cancellation.IsCancellationRequested)
            {
                throw new CommandException($"{address} did not answer within {http.Timeout.TotalMinutes:0} minutes", problem);
            }
        }
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            throw new ServerRefusedException(response.StatusCode, await ReadProblem(response, cancellation));
        }
    }

    private async Task<JsonNode> ReadJson(HttpResponseMessage response, CancellationToken cancellation)
    {
        using (response)
        {
            try
            {
                return await response.Content.ReadFromJsonAsync<JsonNode>(cancellation)
                    ?? throw new CommandException($"{address} sent an empty answer; is it an RSR-Net server?");
            }
            catch (JsonException problem)
            {
                throw new CommandException($"{address} did not answer with JSON; is it an RSR-Net server?", problem);
            }
            catch (HttpRequestException problem)
            {
                throw new CommandException($"{address} broke off: {problem.Message}", problem);
            }
        }
    }
}

/// <summary>The server answered, but not with a success.</summary>
internal sealed class ServerRefusedException(HttpStatusCode status, string message) : CommandException(message)
{
    public HttpStatusCode Status => status;
}
