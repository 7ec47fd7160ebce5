using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Server.Http;

namespace RsrNet.Server.Documents;

/// <param name="Label">The label <c>topic</c>, or else the first there is.</param>
/// <param name="Age">When it came in, in milliseconds since 1970.</param>
public sealed record MapPointBody(string Id, string? Title, DocumentStatus Status, string? Label, long Age, float? Residual, float? Confidence);

/// <param name="Revision">To be sent back as <c>since</c>.</param>
/// <param name="Points">What is known of the documents that changed since.</param>
/// <param name="Ids">All documents that have a place.</param>
/// <param name="Positions">Their places in that order: base64 of x and y of each, little-endian floats.</param>
public sealed record MapBody(long Revision, IReadOnlyList<MapPointBody> Points, IReadOnlyList<string>? Ids, string Positions);

/// <summary>/v1/map: where documents lie on a plane.</summary>
internal static class MapRoutes
{
    public static void MapPlane(this IEndpointRouteBuilder routes, ILearner learner)
    {
        routes.MapGet("/v1/map", async (long? since, CancellationToken cancellation) =>
                new ApiAnswer<MapBody>(Body(await learner.ReadMap(Math.Max(0, since ?? 0), cancellation)), ApiJson.Relaxed.MapBody))
            .WithName("GetMap")
            .WithTags("Documents")
            .WithSummary("Where the documents that changed last lie on the two principal axes of y; with since only what changed is described again")
            .Produces<MapBody>()
            .ProducesProblems(400, 503);
    }

    private static MapBody Body(DocumentMapView view)
    {
        var places = new float[2 * view.Positions.Count];
        for (var i = 0; i < view.Positions.Count; i++) (places[2 * i], places[2 * i + 1]) = (view.Positions[i].X, view.Positions[i].Y);
        return new MapBody(
            view.Revision,
            [.. view.Points.Select(point => new MapPointBody(
                point.Item.Id, point.Item.Title, point.Item.Status, point.Label, point.Item.IngestedAt.ToUnixTimeMilliseconds(), point.Item.ResidualY, point.Item.Confidence))],
            [.. view.Positions.Select(position => position.Id)],
            Convert.ToBase64String(MemoryMarshal.AsBytes<float>(places)));
    }
}
