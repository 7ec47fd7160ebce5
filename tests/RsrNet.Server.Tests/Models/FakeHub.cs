using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace RsrNet.Server.Tests.Models;

/// <summary>
/// A hub on loopback with the tiny model, which keeps its weights in large-file storage on "another host". Every bad habit of servers and lines
/// can be switched on.
/// </summary>
internal sealed class FakeHub : IAsyncDisposable
{
    public const string Model = "someone/tiny-bart";
    private const string Commit = "0123456789012345678901234567890123456789";
    private const string Large = "model.safetensors";

    private readonly WebApplication application;
    private readonly Dictionary<string, int> answers = [];

    private FakeHub(WebApplication application) => this.application = application;

    /// <summary>The hub's address.</summary>
    public string Url => application.Urls.Single();

    /// <summary>Method, path, range and whether there was a token, of every request.</summary>
    public List<(string Method, string Path, string Host, string Range, string Token)> Requests { get; } = [];

    /// <summary>Cuts the connection after so many bytes of each answer with the weights.</summary>
    public int? CutAfter { get; set; }

    /// <summary>So many answers with the weights have a byte changed.</summary>
    public int Damaged { get; set; }

    /// <summary>Whether the storage knows ranges.</summary>
    public bool Ranges { get; set; } = true;

    /// <summary>Added to the size that the hub states for the weights.</summary>
    public int LieAboutSize { get; set; }

    /// <summary>Added to the bytes that are sent of the weights.</summary>
    public int ExtraBytes { get; set; }

    /// <summary>So many requests of each file are answered 503 first.</summary>
    public int Unavailable { get; set; }

    /// <summary>Files that are not there.</summary>
    public HashSet<string> Missing { get; } = [];

    public bool WithoutChecksum { get; set; }

    /// <summary>Only with this token.</summary>
    public string? Token { get; set; }

    public static async Task<FakeHub> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        var hub = new FakeHub(application);
        application.Run(hub.Answer);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return hub;
    }

    public async ValueTask DisposeAsync() => await application.DisposeAsync();

    private async Task Answer(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var path = request.Path.Value!;
        lock (Requests) Requests.Add((request.Method, path, request.Host.Host, request.Headers.Range.ToString(), request.Headers.Authorization.ToString()));
        if (Token is not null && request.Host.Host == "127.0.0.1" && request.Headers.Authorization != $"Bearer {Token}")
        {
            response.StatusCode = 401;
            return;
        }
        if (path.StartsWith("/storage/", StringComparison.Ordinal))
        {
            await SendLarge(context);
            return;
        }
        var name = path[(path.LastIndexOf('/') + 1)..];
        var known = path == $"/{Model}/resolve/main/{name}" || path == $"/{Model}/resolve/{Commit}/{name}";
        if (!known || Missing.Contains(name) || !TinyModel.Files.Contains(name))
        {
            response.StatusCode = 404;
            return;
        }
        answers[name] = answers.GetValueOrDefault(name) + 1;
        if (answers[name] <= Unavailable)
        {
            response.StatusCode = 503;
            return;
        }
        var bytes = TinyModel.Bytes(name);
        response.Headers["X-Repo-Commit"] = Commit;
        if (name == Large)
        {
            if (!WithoutChecksum) response.Headers["X-Linked-Etag"] = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))}\"";
            response.Headers["X-Linked-Size"] = (bytes.Length + LieAboutSize).ToString(CultureInfo.InvariantCulture);
            response.StatusCode = 302;
            response.Headers.Location = $"{request.Scheme}://localhost:{request.Host.Port}/storage/{name}";
            return;
        }
        response.Headers.ETag = $"W/\"{Blob(bytes)}\"";
        response.ContentLength = bytes.Length;
        if (request.Method == "GET") await response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private async Task SendLarge(HttpContext context)
    {
        byte[] bytes = [.. TinyModel.Bytes(Large), .. new byte[ExtraBytes]];
        var from = 0;
        if (Ranges && context.Request.Headers.Range.ToString() is { Length: > 0 } range)
        {
            from = int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
            if (from >= bytes.Length)
            {
                context.Response.StatusCode = 416;
                return;
            }
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{bytes.Length - 1}/{bytes.Length}";
        }
        if (Damaged > 0)
        {
            Damaged--;
            bytes[bytes.Length / 2] ^= 1;
        }
        context.Response.ContentLength = bytes.Length - from;
        var end = CutAfter is { } cut ? Math.Min(bytes.Length, from + cut) : bytes.Length;
        await context.Response.Body.WriteAsync(bytes.AsMemory(from, end - from), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        if (end == bytes.Length) return;
        // Aborting throws away what the other side has not read yet.
        if (end > from) await Task.Delay(200, context.RequestAborted);
        context.Abort();
    }

    private static string Blob(byte[] bytes)
    {
#pragma warning disable CA5350 // Git's own
        return Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));
#pragma warning restore CA5350
    }
}
