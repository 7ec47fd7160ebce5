using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Server.Http;

namespace RsrNet.Server.Articles;

/// <summary>POST /v1/articles: one article as JSON, or many as NDJSON.</summary>
internal static class ArticleRoutes
{
    private static readonly string[] JsonTypes = ["application/json"];
    private static readonly string[] LineTypes = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

    public static void MapArticles(
        this IEndpointRouteBuilder routes, ILearner learner, ArticleLimits limits, ServerOptions options, TimeProvider time)
    {
        routes.MapPost("/v1/articles",
                (HttpRequest request, CancellationToken cancellation) => Post(request, learner, limits, options, time, cancellation))
            .WithName("PostArticles")
            .WithTags("Articles")
            .WithSummary("Stores an article, or one on each line of NDJSON")
            .WithDescription(
                "Durable once answered, and idempotent: the same id and content again is a duplicate, a changed content a new revision. " +
                "In NDJSON a bad line rejects itself alone. A 429, 413 or 503 in the middle of NDJSON says in `accepted` what is stored " +
                "and in `nextLine` where to go on.")
            .WithMetadata(new RequestSchema(typeof(ArticleRequest), "application/json", "application/x-ndjson"))
            .Produces<ArticleReceipt>(StatusCodes.Status202Accepted)
            .Produces<ArticleReceipt>()
            .Produces<LinesReceipt>()
            .ProducesProblems(400, 413, 415, 429, 503);
    }

    private static async Task<IResult> Post(
        HttpRequest request, ILearner learner, ArticleLimits limits, ServerOptions options, TimeProvider time,
        CancellationToken cancellation)
    {
        if (RequestBody.IsOf(request, LineTypes, out _))
            return await new LineIngest(learner, limits, options, time).Run(request, cancellation);
        if (!RequestBody.IsOf(request, [.. JsonTypes, .. LineTypes], out var wrongType)) return wrongType.ToResult();
        return await PostOne(request, learner, limits, cancellation);
    }

    private static async Task<IResult> PostOne(HttpRequest request, ILearner learner, ArticleLimits limits, CancellationToken cancellation)
    {
        var reading = ArticleJson.Read(await RequestBody.Read(request, limits.BodyBytes, cancellation), limits);
        if (!reading.IsAccepted)
        {
            var problems = new FieldProblems();
            foreach (var problem in reading.Problems) problems.Add(problem.Field, problem.Message);
            return ProblemBody.Of(problems).ToResult();
        }
        var outcome = (await learner.Ingest([reading.Article], cancellation)).Single();
        return new ApiAnswer<ArticleReceipt>(
            new ArticleReceipt(outcome.Id, outcome.Revision, outcome.Status, outcome.Duplicate ? true : null),
            ApiJson.Relaxed.ArticleReceipt,
            outcome.Duplicate ? StatusCodes.Status200OK : StatusCodes.Status202Accepted,
            $"/v1/documents/{Uri.EscapeDataString(outcome.Id)}");
    }
}
