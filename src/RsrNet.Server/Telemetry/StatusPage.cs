using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace RsrNet.Server.Telemetry;

/// <summary>
/// GET /: one page that says what runs, with live numbers. It needs nothing from elsewhere, and its policy lets nothing else in.
/// </summary>
internal static class StatusPage
{
    public static void MapStatusPage(this IEndpointRouteBuilder routes)
    {
        var page = Read();
        var policy = $"default-src 'none'; connect-src 'self'; style-src {HashOf(page, "style")}; script-src {HashOf(page, "script")}; " +
            "style-src-attr 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        routes.MapGet("/", (HttpResponse response) =>
            {
                response.Headers.ContentSecurityPolicy = policy;
                response.Headers.CacheControl = "no-cache";
                return TypedResults.Text(page, "text/html", Encoding.UTF8);
            })
            .ExcludeFromDescription();
    }

    private static string Read()
    {
        using var stream = typeof(StatusPage).Assembly.GetManifestResourceStream(typeof(StatusPage), "StatusPage.html")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    /// <summary>The hash by which a Content-Security-Policy knows an inline element.</summary>
    private static string HashOf(string page, string element)
    {
        var begin = page.IndexOf($"<{element}>", StringComparison.Ordinal) + element.Length + 2;
        var content = page[begin..page.IndexOf($"</{element}>", begin, StringComparison.Ordinal)];
        return $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}'";
    }
}
