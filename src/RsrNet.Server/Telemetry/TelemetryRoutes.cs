using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core.Telemetry;
using RsrNet.Server.Http;

namespace RsrNet.Server.Telemetry;

/// <param name="Status"><c>live</c> or <c>ready</c>.</param>
public sealed record HealthBody(string Status);

/// <param name="Now">The end of the time.</param>
/// <param name="Series">Points of each number, oldest first; a value that was not known is null.</param>
public sealed record HistoryBody(DateTimeOffset Now, IReadOnlyDictionary<string, IReadOnlyList<HistoryPoint>> Series);

/// <summary>/v1/telemetry and /health: the numbers people watch, and the answers probes ask for.</summary>
internal static class TelemetryRoutes
{
    public static void MapTelemetry(
        this IEndpointRouteBuilder routes, TelemetryFeed feed, ServerOptions options, TimeProvider time, CancellationToken stopping)
    {
        var telemetry = routes.MapGroup("/v1/telemetry").WithTags("Telemetry");

        telemetry.MapGet("", async (CancellationToken cancellation) =>
                new ApiAnswer<TelemetrySnapshot>(await feed.Read(cancellation), ApiJson.Relaxed.TelemetrySnapshot))
            .WithName("GetTelemetry")
            .WithSummary("The numbers people watch, now")
            .Produces<TelemetrySnapshot>()
            .ProducesProblems(503);

        telemetry.MapGet("/events", () => new EventStream<TelemetrySnapshot>(
                ending => Snapshots(feed, TimeSpan.FromSeconds(options.TelemetrySeconds), time, ending), "telemetry",
                ApiJson.Relaxed.TelemetrySnapshot,
                TimeSpan.FromSeconds(options.KeepAliveSeconds), stopping))
            .WithName("FollowTelemetry")
            .WithSummary("The same as server-sent events, one now and then one every second")
            .Produces<TelemetrySnapshot>(StatusCodes.Status200OK, "text/event-stream");

        telemetry.MapGet("/history", (double? seconds, int? points) => History(feed, seconds ?? 600, points ?? 200))
            .WithName("GetTelemetryHistory")
            .WithSummary("The same numbers over time: the last so many seconds (600 where left out, up to 7 days), thinned to at most so many points")
            .Produces<HistoryBody>()
            .ProducesProblems(400);

        routes.MapGet("/health/live", () => new ApiAnswer<HealthBody>(new HealthBody("live"), ApiJson.Relaxed.HealthBody))
            .WithName("GetLive")
            .WithTags("Health")
            .WithSummary("200 while the process answers")
            .Produces<HealthBody>();

        routes.MapGet("/health/ready", (CancellationToken cancellation) => Ready(feed, cancellation))
            .WithName("GetReady")
            .WithTags("Health")
            .WithSummary("200 while articles can be taken; 503 says why not")
            .Produces<HealthBody>()
            .ProducesProblems(503);
    }

    private static IResult History(TelemetryFeed feed, double seconds, int points)
    {
        var problems = new FieldProblems();
        if (!(seconds is >= 1 and <= 604_800)) problems.Add("seconds", "must be 1 to 604800");
        if (points is < 2 or > 2000) problems.Add("points", "must be 2 to 2000");
        if (problems.Any) return ProblemBody.Of(problems).ToResult();
        var now = feed.Time.GetUtcNow();
        var series = Enum.GetValues<HistorySeries>().ToDictionary(
            one => JsonNamingPolicy.CamelCase.ConvertName(one.ToString()),
            one => (IReadOnlyList<HistoryPoint>)feed.History.Read(one, now, TimeSpan.FromSeconds(seconds), points), StringComparer.Ordinal);
        return new ApiAnswer<HistoryBody>(new HistoryBody(now, series), ApiJson.Relaxed.HistoryBody);
    }

    private static async Task<IResult> Ready(TelemetryFeed feed, CancellationToken cancellation) =>
        (await feed.Read(cancellation)).Problem is { } problem
            ? ProblemBody.Of(StatusCodes.Status503ServiceUnavailable, problem).ToResult()
            : new ApiAnswer<HealthBody>(new HealthBody("ready"), ApiJson.Relaxed.HealthBody);

    private static async IAsyncEnumerable<StreamedEvent<TelemetrySnapshot>> Snapshots(
        TelemetryFeed feed, TimeSpan interval, TimeProvider time, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            yield return new StreamedEvent<TelemetrySnapshot>(await feed.Read(cancellation));
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }
}
