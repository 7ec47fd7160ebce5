using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Weights;
using RsrNet.Server.Http;

namespace RsrNet.Server.Weights;

/// <summary>/v1/weights: versions, as PyTorch's state_dict in safetensors.</summary>
internal static class WeightRoutes
{
    private static readonly string[] FileTypes = ["application/octet-stream", "application/x-safetensors", "application/vnd.safetensors"];

    public static void MapWeights(this IEndpointRouteBuilder routes, ILearner learner, ServerOptions options, TimeProvider time)
    {
        var weights = routes.MapGroup("/v1/weights").WithTags("Weights");

        weights.MapGet("", async (CancellationToken cancellation) => new ApiAnswer<WeightList>(
                new WeightList([.. (await learner.ListWeights(cancellation)).Select(WeightItem.Of)]), ApiJson.Relaxed.WeightList))
            .WithName("ListWeights")
            .WithSummary("Versions that can be had: the kept checkpoints and the current one; newest first")
            .Produces<WeightList>()
            .ProducesProblems(503);

        weights.MapPost("", async (CancellationToken cancellation) => new ApiAnswer<WeightItem>(
                WeightItem.Of(await learner.SaveWeights(cancellation)), ApiJson.Relaxed.WeightItem))
            .WithName("SaveWeights")
            .WithSummary("Writes a checkpoint of the current version now")
            .Produces<WeightItem>()
            .ProducesProblems(503);

        weights.MapPut("", (HttpRequest request, CancellationToken cancellation) => Import(request, learner, options, time, cancellation))
            .WithName("ImportWeights")
            .WithSummary("Goes on from the weights of a safetensors file, as a new version; the optimiser starts anew")
            .WithMetadata(new RequestSchema(null, FileTypes))
            .Produces<WeightReceipt>()
            .ProducesProblems(400, 413, 415, 503);

        weights.MapGet("/{version}",
                (string version, HttpResponse response, CancellationToken cancellation) => Download(
                    version, response, learner, cancellation))
            .WithName("GetWeights")
            .WithSummary("One version as safetensors with PyTorch's state_dict names; `latest` for the current one")
            .Produces<byte[]>(StatusCodes.Status200OK, "application/octet-stream")
            .ProducesProblems(400, 404, 503);

        weights.MapGet("/shadow", async (CancellationToken cancellation) =>
                await learner.ReadShadow(cancellation) is { } report
                    ? new ApiAnswer<ShadowReport>(report, ApiJson.Relaxed.ShadowReport)
                    : (IResult)NoShadow())
            .WithName("GetShadow")
            .WithSummary("How the challenger, which learns beside and serves nobody, does against what serves")
            .Produces<ShadowReport>()
            .ProducesProblems(404);

        weights.MapPost("/shadow/promote", async (CancellationToken cancellation) =>
                await learner.PromoteShadow(cancellation) is { } version ? Receipt(version) : (IResult)NoShadow())
            .WithName("PromoteShadow")
            .WithSummary("Lets the challenger serve, as the next version; what served before is kept and learns on as the challenger")
            .Produces<WeightReceipt>()
            .ProducesProblems(404, 503);

        weights.MapPost("/{version}/restore", (string version, CancellationToken cancellation) => Restore(version, learner, cancellation))
            .WithName("RestoreWeights")
            .WithSummary("Makes an earlier version the current one again, under a new number")
            .Produces<WeightReceipt>()
            .ProducesProblems(400, 404, 503);
    }

    private static async Task<IResult> Download(string version, HttpResponse response, ILearner learner, CancellationToken cancellation)
    {
        long? number = null;
        if (version != "latest")
        {
            if (!TryParse(version, out var parsed)) return WrongVersion(version, "or latest");
            number = parsed;
        }
        if (await learner.FindWeights(number, cancellation) is not { } checkpoint) return Missing(version);
        using var file = new MemoryStream();
        // The residual mode's version is more than its network: the average that is served and the regressions come with it.
        if (checkpoint.Residual is null) StateDict.Write(file, checkpoint.Weights);
        else CheckpointFile.Write(file, checkpoint with { Optimizer = null });
        response.ContentType = "application/octet-stream";
        response.ContentLength = file.Length;
        response.Headers.ContentDisposition = string.Create(
            CultureInfo.InvariantCulture, $"attachment; filename=\"rsrnet-weights-{checkpoint.Version}.safetensors\"");
        response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{checkpoint.Version}\"");
        file.Position = 0;
        await file.CopyToAsync(response.Body, cancellation);
        return TypedResults.Empty;
    }

    private static async Task<IResult> Import(
        HttpRequest request, ILearner learner, ServerOptions options, TimeProvider time, CancellationToken cancellation)
    {
        if (!RequestBody.IsOf(request, FileTypes, out var wrongType)) return wrongType.ToResult();
        var file = await RequestBody.Read(request, options.ImportBytes, cancellation);
        try
        {
            var imported = CheckpointFile.Read(new MemoryStream(file, writable: false));
            var mode = (await learner.ReadTelemetry(cancellation)).Mode;
            return Receipt(await learner.ImportWeights(imported with { Mode = mode, CreatedAt = time.GetUtcNow() }, cancellation));
        }
        catch (Exception damaged) when (damaged is InvalidDataException or NotSupportedException)
        {
            var problems = new FieldProblems();
            problems.Add("", damaged.Message);
            return ProblemBody.Of(problems).ToResult();
        }
        catch (WeightsRejectedException rejected)
        {
            var problems = new FieldProblems();
            problems.Add("", rejected.Message);
            return ProblemBody.Of(problems).ToResult();
        }
    }

    private static async Task<IResult> Restore(string version, ILearner learner, CancellationToken cancellation)
    {
        if (!TryParse(version, out var number)) return WrongVersion(version, "of GET /v1/weights");
        return await learner.RestoreWeights(number, cancellation) is { } restored ? Receipt(restored) : Missing(version);
    }

    private static bool TryParse(string version, out long number) =>
        long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static ApiAnswer<WeightReceipt> Receipt(long version) => new(
        new WeightReceipt(version), ApiJson.Relaxed.WeightReceipt, StatusCodes.Status200OK,
        string.Create(CultureInfo.InvariantCulture, $"/v1/weights/{version}"));

    private static ProblemResult WrongVersion(string version, string alternative)
    {
        var problems = new FieldProblems();
        problems.Add("version", $"is '{(version.Length > 60 ? version[..60] + "..." : version)}'; it must be a number {alternative}");
        return ProblemBody.Of(problems).ToResult();
    }

    private static ProblemResult NoShadow() => ProblemBody.Of(
        StatusCodes.Status404NotFound, "no challenger learns here; set Shadow.Enabled and Shadow.Challenger in the configuration").ToResult();

    private static ProblemResult Missing(string version) =>
        ProblemBody.Of(StatusCodes.Status404NotFound, $"version {version} is not kept; GET /v1/weights lists those that are").ToResult();
}
