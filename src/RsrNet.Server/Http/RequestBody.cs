using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace RsrNet.Server.Http;

/// <summary>Reads request bodies with a limit of their own.</summary>
internal static class RequestBody
{
    /// <summary>Whether the body is of one of these media types, in UTF-8 and not compressed.</summary>
    /// <param name="problem">The answer where it is not: 415.</param>
    public static bool IsOf(HttpRequest request, string[] mediaTypes, out ProblemBody problem)
    {
        problem = ProblemBody.Of(StatusCodes.Status415UnsupportedMediaType, $"send Content-Type: {string.Join(" or ", mediaTypes)}");
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)) return false;
        if (!mediaTypes.Contains(type.MediaType.Value, StringComparer.OrdinalIgnoreCase)) return false;
        if (type.Charset.HasValue && !type.Charset.Value!.Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            problem = problem with { Detail = $"the charset {type.Charset.Value} is not read; send UTF-8" };
            return false;
        }
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
        {
            problem = problem with { Detail = $"Content-Encoding {request.Headers.ContentEncoding} is not read; send the body as it is" };
            return false;
        }
        return true;
    }

    /// <exception cref="BadHttpRequestException">413: more bytes than the limit.</exception>
    public static async Task<byte[]> Read(HttpRequest request, long limit, CancellationToken cancellation)
    {
        if (request.ContentLength > limit) throw TooLarge(limit);
        Unlimit(request);
        var reader = request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(cancellation);
            var buffer = result.Buffer;
            if (buffer.Length > limit) throw TooLarge(limit);
            if (result.IsCompleted)
            {
                var body = buffer.ToArray();
                reader.AdvanceTo(buffer.End);
                return body;
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Takes the host's own limit off: the reader has another.</summary>
    public static void Unlimit(HttpRequest request)
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = null;
    }

    private static BadHttpRequestException TooLarge(long limit) =>
        new(string.Create(CultureInfo.InvariantCulture, $"the body has more than {limit:N0} bytes"), StatusCodes.Status413PayloadTooLarge);
}
