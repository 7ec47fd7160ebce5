using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core;
using RsrNet.Core.Telemetry;
using RsrNet.Server.Http;

namespace RsrNet.Server.Telemetry;

/// <param name="Status"><c>live</c> or <c>ready</c>.</param>
public sealed record HealthBody(string Status);

/// <summary>/v1/telemetry and /health: the numbers people watch, and the answers probes ask for.</summary>
internal static class TelemetryRoutes
{
    public static void MapTelemetry(
        this IEndpointRouteBuilder routes, ILearner learner, ServerOptions options, TimeProvider time, CancellationToken stopping)
    {
        var telemetry = routes.MapGroup("/v1/telemetry").WithTags("Telemetry");

        telemetry.MapGet("", async (CancellationToken cancellation) =>
                new ApiAnswer<TelemetrySnapshot>(await learner.ReadTelemetry(cancellation), ApiJson.Relaxed.TelemetrySnapshot))
            .WithName("GetTelemetry")
            .WithSummary("The numbers people watch, now")
            .Produces<TelemetrySnapshot>()
            .ProducesProblems(503);

        telemetry.MapGet("/events", () => new EventStream<TelemetrySnapshot>(
                ending => Snapshots(learner, TimeSpan.FromSeconds(options.TelemetrySeconds), time, ending), "telemetry",
                ApiJson.Relaxed.TelemetrySnapshot,
                TimeSpan.FromSeconds(options.KeepAliveSeconds), stopping))
            .WithName("FollowTelemetry")
            .WithSummary("The same as server-sent events, one now and then one every second")
            .Produces<TelemetrySnapshot>(StatusCodes.Status200OK, "text/event-stream");

        routes.MapGet("/health/live", () => new ApiAnswer<HealthBody>(new HealthBody("live"), ApiJson.Relaxed.HealthBody))
            .WithName("GetLive")
            .WithTags("Health")
            .WithSummary("200 while the process answers")
            .Produces<HealthBody>();

        routes.MapGet("/health/ready", (CancellationToken cancellation) => Ready(learner, cancellation))
            .WithName("GetReady")
            .WithTags("Health")
            .WithSummary("200 while articles can be taken; 503 says why not")
            .Produces<HealthBody>()
            .ProducesProblems(503);
    }

    private static async Task<IResult> Ready(ILearner learner, CancellationToken cancellation) =>
        (await learner.ReadTelemetry(cancellation)).Problem is { } problem
            ? ProblemBody.Of(StatusCodes.Status503ServiceUnavailable, problem).ToResult()
            : new ApiAnswer<HealthBody>(new HealthBody("ready"), ApiJson.Relaxed.HealthBody);

    private static async IAsyncEnumerable<StreamedEvent<TelemetrySnapshot>> Snapshots(
        ILearner learner, TimeSpan interval, TimeProvider time, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            yield return new StreamedEvent<TelemetrySnapshot>(await learner.ReadTelemetry(cancellation));
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }
}
