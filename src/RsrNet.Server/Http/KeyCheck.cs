using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace RsrNet.Server.Http;

/// <summary>
/// Asks every request for the server's key, where it has one: API, dashboard, metrics, and whatever pages a program adds. Probes alone are answered without.
/// </summary>
internal static class KeyCheck
{
    private const string Bearer = "Bearer ", Basic = "Basic ";

    /// <param name="key">Empty asks nobody.</param>
    public static void UseKey(this WebApplication app, string key)
    {
        if (key.Length == 0) return;
        var expected = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        app.Use((context, next) =>
        {
            if (context.Request.Path.StartsWithSegments("/health") || Shown(context.Request.Headers.Authorization.ToString()) is { } shown
                && CryptographicOperations.FixedTimeEquals(SHA256.HashData(shown), expected)) return next(context);
            // A browser asks its user then, and sends what it was told with every request, the dashboard's live ones among them.
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"RSR-Net\", charset=\"UTF-8\"";
            return ProblemBody.Of(
                StatusCodes.Status401Unauthorized, "this server asks for its key: as a bearer token, or as the password of any user").ToResult().ExecuteAsync(context);
        });
    }

    /// <summary>What the header holds as a key, in UTF-8; null where it holds none.</summary>
    private static byte[]? Shown(string header)
    {
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return Encoding.UTF8.GetBytes(header[Bearer.Length..].Trim());
        if (!header.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)) return null;
        var pair = new byte[header.Length];
        if (!Convert.TryFromBase64String(header[Basic.Length..].Trim(), pair, out var length)) return null;
        var colon = pair.AsSpan(0, length).IndexOf((byte)':');
        return colon < 0 ? null : pair[(colon + 1)..length];
    }
}
