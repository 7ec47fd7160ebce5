using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Server.Http;

namespace RsrNet.Server.Documents;

/// <summary>/v1/documents and /v1/search: what became of the articles.</summary>
internal static class DocumentRoutes
{
    private const int MostSteps = 1000;
    private const int MostMilliseconds = 600_000;
    private const int SmallBody = 64 * 1024;

    public static void MapDocuments(
        this IEndpointRouteBuilder routes, ILearner learner, ArticleLimits limits, ServerOptions options, CancellationToken stopping)
    {
        var documents = routes.MapGroup("/v1/documents").WithTags("Documents");

        documents.MapGet("",
                (string? status, string? limit, string? cursor, CancellationToken cancellation) =>
                    List(status, limit, cursor, learner, cancellation))
            .WithName("ListDocuments")
            .WithSummary("Documents in order of arrival, page by page")
            .WithDescription(
                "status: pending, refining, converged, exhausted or failed; limit: 1 to 1000, 50 without; " +
                "cursor: `next` of the page before.")
            .Produces<DocumentListBody>()
            .ProducesProblems(400, 503);

        documents.MapGet("/{id}", (string id, string? include, CancellationToken cancellation) => Get(id, include, learner, cancellation))
            .WithName("GetDocument")
            .WithSummary("A document's refinement state, trajectory and summary")
            .WithDescription("include: vectors, text, or both with a comma between.")
            .Produces<DocumentBody>()
            .ProducesProblems(400, 404, 503);

        documents.MapDelete("/{id}", (string id, CancellationToken cancellation) => Delete(id, learner, cancellation))
            .WithName("DeleteDocument")
            .WithSummary("Removes a document from store, search and replay")
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblems(404, 503);

        documents.MapPost("/{id}/refine",
                (string id, HttpRequest request, CancellationToken cancellation) => Refine(id, request, learner, cancellation))
            .WithName("RefineDocument")
            .WithSummary("Refines a document now, from where it is, with the current weights")
            .WithMetadata(new RequestSchema(typeof(RefineBody), "application/json"))
            .Produces<DocumentBody>()
            .ProducesProblems(400, 404, 413, 415, 503);

        routes.MapAmendments(learner, limits);

        documents.MapGet("/{id}/events",
                (string id, [FromHeader(Name = "Last-Event-ID")] string? lastEventId, CancellationToken cancellation) =>
                    Follow(id, lastEventId, learner, options, stopping, cancellation))
            .WithName("FollowDocument")
            .WithSummary("A document's supervision steps as server-sent events: the latest one first, then each as it happens")
            .Produces<TrajectoryPoint>(StatusCodes.Status200OK, "text/event-stream")
            .ProducesProblems(404, 503);

        routes.MapPost("/v1/search",
                (HttpRequest request, CancellationToken cancellation) => Search(request, learner, limits, cancellation))
            .WithName("Search")
            .WithTags("Documents")
            .WithSummary("The nearest documents by cosine of refined y, best first")
            .WithMetadata(new RequestSchema(typeof(SearchBody), "application/json"))
            .Produces<SearchHits>()
            .ProducesProblems(400, 404, 413, 415, 503);
    }

    private static async Task<IResult> List(string? status, string? limit, string? cursor, ILearner learner, CancellationToken cancellation)
    {
        var problems = new FieldProblems();
        DocumentStatus? only = null;
        if (status is not null)
        {
            // Enum.TryParse would take numbers and lists too.
            only = Enum.GetValues<DocumentStatus>().Cast<DocumentStatus?>().FirstOrDefault(one => NameOf(one!.Value) == status);
            var known = string.Join(", ", Enum.GetValues<DocumentStatus>().Select(NameOf));
            if (only is null) problems.Add("status", $"is '{Shown(status)}'; it must be {known}");
        }
        var most = 50;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most is < 1 or > 1000))
        {
            problems.Add("limit", $"is '{Shown(limit)}'; it must be a whole number, 1 to 1000");
        }
        if (!DocumentCursor.TryParse(cursor, out _))
            problems.Add("cursor", $"is '{Shown(cursor!)}'; take it from 'next' of the page before");
        if (problems.Any) return ProblemBody.Of(problems).ToResult();
        var page = await learner.List(new DocumentQuery(only, most, cursor), cancellation);
        return new ApiAnswer<DocumentListBody>(
            new DocumentListBody([.. page.Items.Select(DocumentItemBody.Of)], page.Next), ApiJson.Relaxed.DocumentListBody);
    }

    private static async Task<IResult> Get(string id, string? include, ILearner learner, CancellationToken cancellation)
    {
        var problems = new FieldProblems();
        var (vectors, text) = (false, false);
        foreach (var part in include?.Split(',') ?? [])
        {
            if (part == "vectors") vectors = true;
            else if (part == "text") text = true;
            else problems.Add("include", $"has '{Shown(part)}'; it must be vectors, text, or both with a comma between");
        }
        if (problems.Any) return ProblemBody.Of(problems).ToResult();
        return await learner.Find(id, cancellation) is { } document ? await Answer(document, learner, vectors, text, cancellation) : Missing(id);
    }

    private static async Task<IResult> Delete(string id, ILearner learner, CancellationToken cancellation) =>
        await learner.Delete(id, cancellation) ? TypedResults.NoContent() : Missing(id);

    private static async Task<IResult> Refine(string id, HttpRequest request, ILearner learner, CancellationToken cancellation)
    {
        var body = await RequestBody.Read(request, SmallBody, cancellation);
        if (body.Length > 0 && !RequestBody.IsOf(request, ["application/json"], out var wrongType)) return wrongType.ToResult();
        var fields = RequestFields.Read(body, "steps", "untilResidual", "timeLimitMs");
        var wanted = new RefineRequest(
            fields.Integer("steps", 1, MostSteps), fields.Positive("untilResidual", 1),
            fields.Integer("timeLimitMs", 1, MostMilliseconds) is { } limit ? TimeSpan.FromMilliseconds(limit) : null);
        if (fields.Problems.Any) return ProblemBody.Of(fields.Problems).ToResult();
        return await learner.Refine(id, wanted, cancellation) is { } document
            ? await Answer(document, learner, vectors: false, text: false, cancellation)
            : Missing(id);
    }

    private static async Task<IResult> Search(HttpRequest request, ILearner learner, ArticleLimits limits, CancellationToken cancellation)
    {
        if (!RequestBody.IsOf(request, ["application/json"], out var wrongType)) return wrongType.ToResult();
        var fields = RequestFields.Read(await RequestBody.Read(request, limits.BodyBytes, cancellation), "text", "id", "k");
        var (text, id, k) = (fields.Text("text", limits.TextLength), fields.Text("id", limits.IdLength), fields.Integer("k", 1, 1000));
        if (!fields.Problems.Any && fields.Has("text") == fields.Has("id")) fields.Problems.Add("", "send either text or id");
        if (fields.Problems.Any) return ProblemBody.Of(fields.Problems).ToResult();
        var hits = await learner.Search(new SearchQuery(text, id, k ?? 10), cancellation);
        if (hits is null) return Missing(id!);
        return new ApiAnswer<SearchHits>(
            new SearchHits([.. hits.Select(hit => new SearchHitBody(hit.Id, hit.Title, hit.Score))]), ApiJson.Relaxed.SearchHits);
    }

    private static async Task<IResult> Follow(
        string id, string? lastEventId, ILearner learner, ServerOptions options, CancellationToken stopping, CancellationToken cancellation)
    {
        if (await learner.Find(id, cancellation) is null) return Missing(id);
        int? lastStep = int.TryParse(lastEventId, NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : null;
        return new EventStream<TrajectoryPoint>(
            ending => Steps(id, lastStep, learner, ending), "step", ApiJson.Relaxed.TrajectoryPoint,
            TimeSpan.FromSeconds(options.KeepAliveSeconds), stopping);
    }

    /// <summary>
    /// The latest step, or all after the follower's last one, then each as it happens. None is missed or comes twice in between.
    /// </summary>
    private static async IAsyncEnumerable<StreamedEvent<TrajectoryPoint>> Steps(
        string id, int? lastStep, ILearner learner, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var coming = learner.Watch(id, cancellation).GetAsyncEnumerator(cancellation);
        // Watching begins before the document is read, so that a step in between is seen by one of both.
        var next = coming.MoveNextAsync().AsTask();
        var past = (await learner.Find(id, cancellation))?.Trajectory.Points ?? ImmutableArray<TrajectoryPoint>.Empty;
        var shown = past.IsEmpty ? DateTimeOffset.MinValue : past[^1].At;
        var first = lastStep is { } last ? past.Where(point => point.Step > last) : past.TakeLast(1);
        foreach (var point in first) yield return Event(point);
        while (await next)
        {
            var point = coming.Current;
            if (point.At > shown || past.IsEmpty || point.Step > past[^1].Step) yield return Event(point);
            next = coming.MoveNextAsync().AsTask();
        }

        static StreamedEvent<TrajectoryPoint> Event(TrajectoryPoint point) => new(point, point.Step.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task<IResult> Answer(Document document, ILearner learner, bool vectors, bool text, CancellationToken cancellation) =>
        new ApiAnswer<DocumentBody>(
            DocumentBody.Of(document, await learner.Summarize(document, cancellation), vectors, text), ApiJson.Relaxed.DocumentBody);

    private static ProblemResult Missing(string id) =>
        ProblemBody.Of(StatusCodes.Status404NotFound, $"no document has the id '{Shown(id)}'").ToResult();

#pragma warning disable CA1308 // Lower case is the API's spelling, not a way to compare.
    private static string NameOf(DocumentStatus status) => status.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    /// <summary>Something from outside as a message may repeat it.</summary>
    private static string Shown(string text) => text.Length > 60 ? text[..60] + "..." : text;
}
