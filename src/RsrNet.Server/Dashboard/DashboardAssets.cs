using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace RsrNet.Server.Dashboard;

/// <summary>
/// The files a browser loads: resources of this assembly, so that they are there in any folder, published or not, and nothing comes from another machine.
/// </summary>
internal static class DashboardAssets
{
    private const string Prefix = "assets/";

    private static readonly ConcurrentDictionary<string, Asset?> Files = new(StringComparer.Ordinal);

    private sealed record Asset(byte[] Bytes, byte[] Compressed, string Type, string Tag);

    public static void MapDashboardAssets(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/assets/{name}", (string name, HttpContext context) => Answer(name, context)).ExcludeFromDescription();
        // Where Radzen's style looks for its fonts.
        routes.MapGet("/fonts/{name}", (string name, HttpContext context) => Answer(name, context)).ExcludeFromDescription();
        // Where the framework's own pages look for it.
        routes.MapGet("/_framework/blazor.web.js", (HttpContext context) => Answer("blazor.web.js", context)).ExcludeFromDescription();
    }

    /// <summary>The address of a file with its content in it, so that a browser may keep it for ever.</summary>
    public static string AddressOf(string name) =>
        Find(name) is { } file ? $"assets/{name}?v={file.Tag}" : throw new ArgumentException($"there is no asset '{name}'", nameof(name));

    private static IResult Answer(string name, HttpContext context)
    {
        if (Find(name) is not { } file) return TypedResults.NotFound();
        var headers = context.Response.Headers;
        headers.ETag = $"\"{file.Tag}\"";
        headers.CacheControl = context.Request.Query["v"] == file.Tag ? "public, max-age=31536000, immutable" : "no-cache";
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = "Accept-Encoding";
        if (context.Request.Headers.IfNoneMatch == headers.ETag) return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        if (!context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase)) return TypedResults.Bytes(file.Bytes, file.Type);
        headers.ContentEncoding = "gzip";
        return TypedResults.Bytes(file.Compressed, file.Type);
    }

    private static Asset? Find(string name) => Files.GetOrAdd(name, static name =>
    {
        using var stream = typeof(DashboardAssets).Assembly.GetManifestResourceStream(Prefix + name);
        if (stream is null) return null;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return new Asset(bytes, compressed.ToArray(), TypeOf(name), Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8)));
    });

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".woff2" => "font/woff2",
        _ => "application/octet-stream",
    };
}
