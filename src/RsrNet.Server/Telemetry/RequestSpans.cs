using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace RsrNet.Server.Telemetry;

/// <summary>Gives the framework's span of a request the name and attributes of OpenTelemetry's semantic conventions for HTTP servers.</summary>
internal static class RequestSpans
{
    /// <summary>To be used once the route is known.</summary>
    public static void UseRequestSpans(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        try
        {
            await next(context);
        }
        finally
        {
            // Nobody traces, or not this request: nothing to describe.
            if (context.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } span)
            {
                var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
                span.DisplayName = route is null ? context.Request.Method : $"{context.Request.Method} {route}";
                span.SetTag("http.request.method", context.Request.Method);
                if (route is not null) span.SetTag("http.route", route);
                span.SetTag("url.scheme", context.Request.Scheme);
                span.SetTag("url.path", context.Request.Path.Value);
                span.SetTag("http.response.status_code", context.Response.StatusCode);
            }
        }
    });
}
