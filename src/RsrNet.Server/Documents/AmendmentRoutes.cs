using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Server.Http;

namespace RsrNet.Server.Documents;

/// <summary>/v1/documents/{id}/highlights and /labels: what comes to be known of an article that is there already.</summary>
internal static class AmendmentRoutes
{
    public static void MapAmendments(this IEndpointRouteBuilder routes, ILearner learner, ArticleLimits limits)
    {
        Map("highlights", "Highlights that came late: scored by what was foretold without them, then learned",
            "In place of those it has. Durable once answered; the document's next revision, which goes on from its state. `similarity` is the cosine of " +
            "what was foretold to the new highlights; left out where nothing was foretold, or it was learned from before.",
            typeof(HighlightsBody), draft => new Amendment(draft.Highlights, null));
        Map("labels", "Labels that came late",
            "Beside those it has, in place of those of the same name. Durable once answered; the document's next revision. Classifiers judge the article, then learn a " +
            "label of theirs that they were not taught before.",
            typeof(LabelsBody), draft => new Amendment(null, draft.Labels));

        void Map(string field, string summary, string description, Type body, Func<Article, Amendment> amendment) =>
            routes.MapPost($"/v1/documents/{{id}}/{field}", (string id, HttpRequest request, CancellationToken cancellation) =>
                    Post(id, field, request, amendment, learner, limits, cancellation))
                .WithTags("Documents")
                .WithName($"Post{char.ToUpperInvariant(field[0])}{field[1..]}")
                .WithSummary(summary)
                .WithDescription(description)
                .WithMetadata(new RequestSchema(body, "application/json"))
                .Produces<AmendmentReceipt>(StatusCodes.Status202Accepted)
                .Produces<AmendmentReceipt>()
                .ProducesProblems(400, 404, 413, 415, 503);
    }

    private static async Task<IResult> Post(
        string id, string field, HttpRequest request, Func<Article, Amendment> amendment, ILearner learner, ArticleLimits limits,
        CancellationToken cancellation)
    {
        if (!RequestBody.IsOf(request, ["application/json"], out var wrongType)) return wrongType.ToResult();
        var body = await RequestBody.Read(request, limits.BodyBytes, cancellation);
        var problems = RequestFields.Read(body, field).Problems;
        if (problems.Any) return ProblemBody.Of(problems).ToResult();
        if (await learner.Find(id, cancellation) is not { } found) return Missing(id);
        // The rules are an article's, so it is read as one: with the text that it is about.
        var fields = JsonNode.Parse(body)?.AsObject() ?? [];
        if (fields[field] is not { } given || (given is JsonArray { Count: 0 } or JsonObject { Count: 0 })) problems.Add(field, "is missing; send at least one");
        fields["text"] = found.Article.Text;
        var reading = ArticleJson.Read(JsonSerializer.SerializeToUtf8Bytes(fields), limits);
        foreach (var problem in reading.Problems) problems.Add(problem.Field, problem.Message);
        if (problems.Any) return ProblemBody.Of(problems).ToResult();
        if (await learner.Amend(id, amendment(reading.Article!), cancellation) is not { } outcome) return Missing(id);
        return new ApiAnswer<AmendmentReceipt>(
            new AmendmentReceipt(id, outcome.Put.Revision, outcome.Put.Status, outcome.Similarity, outcome.Put.Duplicate ? true : null),
            ApiJson.Relaxed.AmendmentReceipt, outcome.Put.Duplicate ? StatusCodes.Status200OK : StatusCodes.Status202Accepted,
            $"/v1/documents/{Uri.EscapeDataString(id)}");
    }

    private static ProblemResult Missing(string id) =>
        ProblemBody.Of(StatusCodes.Status404NotFound, $"no document has the id '{(id.Length > 60 ? id[..60] + "..." : id)}'").ToResult();
}

/// <param name="Highlights">Sentences by a human editor; at least one.</param>
public sealed record HighlightsBody(IReadOnlyList<string> Highlights);

/// <param name="Labels">Class labels by label name; at least one.</param>
public sealed record LabelsBody(IReadOnlyDictionary<string, string> Labels);

/// <param name="Similarity">Cosine to the new highlights of what was foretold before they were known; left out where nothing was.</param>
/// <param name="Duplicate">True where the document had all of it already; else left out.</param>
public sealed record AmendmentReceipt(string Id, int Revision, DocumentStatus Status, float? Similarity = null, bool? Duplicate = null);
