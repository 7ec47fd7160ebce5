using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Server.Configuration;
using RsrNet.Server.Http;

namespace RsrNet.Server.Coordination.Models;

/// <summary>/v1/models: the text models, which learn from the same articles.</summary>
internal static class ModelRoutes
{
    private const string Json = "application/json", Events = "text/event-stream";

    private const int LongestTextCount = 1_000;

    /// <param name="models">Null where this server has none.</param>
    public static void MapModels(
        this IEndpointRouteBuilder routes, ITextModels? models, ILearner learner, ArticleLimits limits, ServerOptions options, CancellationToken stopping)
    {
        var group = routes.MapGroup("/v1/models").WithTags("Models");

        group.MapGet("", async (CancellationToken cancellation) => new ApiAnswer<ModelList>(
                new ModelList([.. (models is null ? [] : await models.List(cancellation)).Select(ModelItem.Of)]), ApiJson.Relaxed.ModelList))
            .WithName("ListModels")
            .WithSummary("The text models of this server; in a cluster, the cluster's")
            .Produces<ModelList>()
            .ProducesProblems(503);

        group.MapGet("/{name}", (string name, CancellationToken cancellation) => Get(name, models, cancellation))
            .WithName("GetModel")
            .WithSummary("A text model with its prequential figures")
            .Produces<ModelBody>()
            .ProducesProblems(404, 503);

        group.MapDelete("/{name}", (string name, CancellationToken cancellation) => Remove(name, models, cancellation))
            .WithName("RemoveModel")
            .WithSummary("Removes a text model with all its versions; one that a configuration names begins anew at the next start of that process")
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblems(404, 503);

        group.MapPut("/{name}", (string name, HttpRequest request, CancellationToken cancellation) => Add(name, request, models, limits, cancellation))
            .WithName("AddModel")
            .WithSummary("Adds a model, which learns from the first stored article on")
            .WithMetadata(new RequestSchema(typeof(ModelOptions), Json))
            .Produces<ModelBody>(StatusCodes.Status201Created)
            .ProducesProblems(400, 409, 413, 503);

        group.MapPost("/{name}/classify", (string name, HttpRequest request, CancellationToken cancellation) => Classify(name, request, models, limits, cancellation))
            .WithName("Classify")
            .WithSummary("A text's class, by a classifier")
            .WithMetadata(new RequestSchema(typeof(ClassifyBody), Json))
            .Produces<ClassifyAnswer>()
            .ProducesProblems(400, 404, 409, 413, 503);

        group.MapPost("/{name}/embed", (string name, HttpRequest request, CancellationToken cancellation) => Embed(name, request, models, limits, cancellation))
            .WithName("EmbedByModel")
            .WithSummary("What a classifier's last layer sees of texts: with Hidden 2 their places on a plane")
            .WithMetadata(new RequestSchema(typeof(ModelEmbedBody), Json))
            .Produces<ModelEmbedAnswer>()
            .ProducesProblems(400, 404, 409, 413, 503);

        group.MapPost("/{name}/generate",
                (string name, HttpRequest request, CancellationToken cancellation) => Generate(name, request, models, learner, limits, options, stopping, cancellation))
            .WithName("Generate")
            .WithSummary("A text, by a language model; as server-sent events where `stream` is true or Accept says text/event-stream")
            .WithMetadata(new RequestSchema(typeof(GenerateBody), Json))
            .Produces<GenerateAnswer>()
            .ProducesProblems(400, 404, 409, 413, 503);

        group.MapModelWeights(models, options);
    }

    private static async Task<IResult> Get(string name, ITextModels? models, CancellationToken cancellation) => await models.Named(name, cancellation) is { } model
        ? new ApiAnswer<ModelBody>(ModelBody.Of(await model.Read(cancellation)), ApiJson.Relaxed.ModelBody)
        : Missing(name);

    private static async Task<IResult> Remove(string name, ITextModels? models, CancellationToken cancellation) =>
        models is not null && await models.Remove(name, cancellation) ? TypedResults.NoContent() : Missing(name);

    private static async Task<IResult> Add(string name, HttpRequest request, ITextModels? models, ArticleLimits limits, CancellationToken cancellation)
    {
        if (models is null) return Refused("this server was started without a place for text models");
        var body = await RequestBody.Read(request, limits.BodyBytes, cancellation);
        try
        {
            var options = ConfigurationFile.ParseModel(name, body);
            return await models.Add(name, options, cancellation) is { } model
                ? new ApiAnswer<ModelBody>(ModelBody.Of(await model.Read(cancellation)), ApiJson.Relaxed.ModelBody, StatusCodes.Status201Created, $"/v1/models/{name}")
                : Refused($"there is a model '{name}' already; choose another name");
        }
        catch (ConfigurationException problem)
        {
            var problems = new FieldProblems();
            foreach (var text in problem.Problems) problems.Add("", text);
            return ProblemBody.Of(problems).ToResult();
        }
        catch (ArgumentException problem)
        {
            var problems = new FieldProblems();
            problems.Add("", problem.Message);
            return ProblemBody.Of(problems).ToResult();
        }
    }

    private static async Task<IResult> Classify(string name, HttpRequest request, ITextModels? models, ArticleLimits limits, CancellationToken cancellation)
    {
        if (await models.Named(name, cancellation) is not { } model) return Missing(name);
        var fields = RequestFields.Read(await RequestBody.Read(request, limits.BodyBytes, cancellation), "text");
        var text = fields.Text("text", limits.TextLength);
        if (text is null && !fields.Problems.Any) fields.Problems.Add("text", "is missing; give the text to classify");
        if (fields.Problems.Any) return ProblemBody.Of(fields.Problems).ToResult();
        try
        {
            var found = await model.Classify(text!, cancellation);
            return new ApiAnswer<ClassifyAnswer>(
                new ClassifyAnswer(name, found.Version, found.Scores.Count > 0 ? found.Scores[0].Label : null, found.Scores), ApiJson.Relaxed.ClassifyAnswer);
        }
        catch (ModelKindException problem)
        {
            return Refused(problem.Message);
        }
    }

    private static async Task<IResult> Embed(string name, HttpRequest request, ITextModels? models, ArticleLimits limits, CancellationToken cancellation)
    {
        if (await models.Named(name, cancellation) is not { } model) return Missing(name);
        var fields = RequestFields.Read(await RequestBody.Read(request, limits.BodyBytes, cancellation), "texts", "untrained");
        var texts = fields.Texts("texts", LongestTextCount, limits.TextLength);
        var untrained = fields.Switch("untrained") ?? false;
        if (texts is null && !fields.Problems.Any) fields.Problems.Add("texts", "is missing; give the texts to embed");
        if (fields.Problems.Any) return ProblemBody.Of(fields.Problems).ToResult();
        try
        {
            var vectors = await model.Embed(texts!, untrained, cancellation);
            return new ApiAnswer<ModelEmbedAnswer>(new ModelEmbedAnswer(name, vectors), ApiJson.Relaxed.ModelEmbedAnswer);
        }
        catch (ModelKindException problem)
        {
            return Refused(problem.Message);
        }
    }

    private static async Task<IResult> Generate(
        string name, HttpRequest request, ITextModels? models, ILearner learner, ArticleLimits limits, ServerOptions options, CancellationToken stopping,
        CancellationToken cancellation)
    {
        if (await models.Named(name, cancellation) is not { } model) return Missing(name);
        var fields = RequestFields.Read(
            await RequestBody.Read(request, limits.BodyBytes, cancellation),
            "prompt", "document", "maxTokens", "temperature", "topK", "topP", "seed", "stopAtEnd", "stream");
        var defaults = new GenerationOptions();
        var prompt = fields.Has("prompt") ? fields.Text("prompt", limits.TextLength) : null;
        var document = fields.Has("document") ? fields.Text("document", limits.IdLength) : null;
        var generation = new GenerationOptions
        {
            MaxTokens = fields.Integer("maxTokens", 1, 10_000) ?? defaults.MaxTokens,
            Temperature = fields.Number("temperature", 0, 10) ?? defaults.Temperature,
            TopK = fields.Integer("topK", 0, 1_000_000) ?? defaults.TopK,
            TopP = fields.Number("topP", 1e-6, 1) ?? defaults.TopP,
            Seed = fields.Integer("seed", int.MinValue, int.MaxValue) ?? defaults.Seed,
            StopAtEnd = fields.Switch("stopAtEnd") ?? defaults.StopAtEnd,
        };
        var streamed = fields.Switch("stream") ?? request.Headers.Accept.ToString().Contains(Events, StringComparison.OrdinalIgnoreCase);
        if (prompt is not null && document is not null) fields.Problems.Add("document", "and prompt exclude each other; give one of them");
        if (fields.Problems.Any) return ProblemBody.Of(fields.Problems).ToResult();
        if (document is not null)
        {
            if (await learner.Find(document, cancellation) is not { } found)
                return ProblemBody.Of(StatusCodes.Status404NotFound, $"no document has the id '{document}'; GET /v1/documents lists those there are").ToResult();
            prompt = ModelRunner.TextOf(found.Article);
        }
        var pieces = new GeneratedPieces(model, prompt ?? "", generation, cancellation, stopping);
        request.HttpContext.Response.RegisterForDisposeAsync(pieces);
        try
        {
            // What is wrong shows at the first piece, while the answer can still say it.
            await pieces.Begin();
        }
        catch (ModelKindException problem)
        {
            return Refused(problem.Message);
        }
        if (streamed)
        {
            return new EventStream<GeneratePiece>(
                _ => Stream(pieces), "piece", ApiJson.Relaxed.GeneratePiece, TimeSpan.FromSeconds(options.KeepAliveSeconds), stopping);
        }
        var text = new System.Text.StringBuilder();
        await foreach (var piece in pieces.Read()) text.Append(piece);
        return new ApiAnswer<GenerateAnswer>(new GenerateAnswer(name, text.ToString()), ApiJson.Relaxed.GenerateAnswer);
    }

    private static async IAsyncEnumerable<StreamedEvent<GeneratePiece>> Stream(GeneratedPieces pieces)
    {
        await foreach (var piece in pieces.Read()) yield return new StreamedEvent<GeneratePiece>(new GeneratePiece(piece));
    }

    /// <returns>Null where there is no such model, or this server has none at all.</returns>
    internal static async Task<ITextModel?> Named(this ITextModels? models, string name, CancellationToken cancellation) =>
        models is null ? null : await models.Find(name, cancellation);

    internal static ProblemResult Missing(string name) => ProblemBody.Of(
        StatusCodes.Status404NotFound,
        $"no model has the name '{(name.Length > 64 ? name[..64] + "..." : name)}'; GET /v1/models lists those there are, PUT /v1/models/NAME adds one").ToResult();

    private static ProblemResult Refused(string why) => ProblemBody.Of(StatusCodes.Status409Conflict, why).ToResult();
}
