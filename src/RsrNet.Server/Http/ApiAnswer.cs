using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace RsrNet.Server.Http;

/// <summary>A JSON answer of the API.</summary>
/// <param name="location">For the header of that name; null for none.</param>
internal sealed class ApiAnswer<T>(T body, JsonTypeInfo<T> json, int status = StatusCodes.Status200OK, string? location = null) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        if (location is not null) httpContext.Response.Headers.Location = location;
        return httpContext.Response.WriteAsJsonAsync(body, json, cancellationToken: httpContext.RequestAborted);
    }
}
