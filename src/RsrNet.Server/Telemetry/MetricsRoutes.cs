using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Telemetry;

/// <summary>/metrics, for Prometheus.</summary>
internal static class MetricsRoutes
{
    public static void MapMetrics(this IEndpointRouteBuilder routes, MetricsCollector collector, TelemetryFeed feed)
    {
        routes.MapGet("/metrics", async (HttpContext context, CancellationToken cancellation) =>
            {
                try
                {
                    // Gauges are set when somebody looks.
                    await feed.Read(cancellation);
                }
                catch (StoreUnavailableException)
                {
                    // The numbers from before are better than none while the store is away.
                }
                var open = PrometheusText.WantsOpenMetrics(context.Request.Headers.Accept);
                context.Response.Headers[HeaderNames.Vary] = "Accept";
                using var process = Process.GetCurrentProcess();
                var body = new PrometheusText(open).Write(collector.Families, process);
                context.Response.ContentType = open ? PrometheusText.OpenMetricsType : PrometheusText.PlainType;
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body), cancellation);
            })
            .WithName("GetMetrics")
            .WithTags("Telemetry")
            .WithSummary("Metrics in Prometheus' text format, or as OpenMetrics where the client asks for it")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");
    }
}
