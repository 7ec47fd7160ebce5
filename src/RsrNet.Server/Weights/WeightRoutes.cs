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
    private const string Address = "/v1/weights";

    public static void MapWeights(this IEndpointRouteBuilder routes, ILearner learner, ServerOptions options, TimeProvider time)
    {
        var weights = routes.MapGroup(Address).WithTags("Weights");

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
            .WithMetadata(new RequestSchema(null, WeightFile.Types))
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
                await learner.PromoteShadow(cancellation) is { } version ? WeightFile.Receipt(Address, version) : (IResult)NoShadow())
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
        if (!WeightFile.TryParse(version, orLatest: true, Address, out var number, out var wrong)) return wrong;
        if (await learner.FindWeights(number, cancellation) is not { } checkpoint) return WeightFile.Missing(version, Address);
        using var file = new MemoryStream();
        // The residual mode's version is more than its network: the average that is served and the regressions come with it.
        if (checkpoint.Residual is null) StateDict.Write(file, checkpoint.Weights);
        else CheckpointFile.Write(file, checkpoint with { Optimizer = null });
        var name = string.Create(CultureInfo.InvariantCulture, $"rsrnet-weights-{checkpoint.Version}.safetensors");
        return await WeightFile.Send(response, name, checkpoint.Version, file.GetBuffer().AsMemory(0, (int)file.Length), cancellation);
    }

    private static Task<IResult> Import(
        HttpRequest request, ILearner learner, ServerOptions options, TimeProvider time, CancellationToken cancellation) =>
        WeightFile.Take(
            request, Address, options,
            async file =>
            {
                var imported = CheckpointFile.Read(new MemoryStream(file, writable: false));
                var mode = (await learner.ReadTelemetry(cancellation)).Mode;
                return await learner.ImportWeights(imported with { Mode = mode, CreatedAt = time.GetUtcNow() }, cancellation);
            },
            cancellation);

    private static async Task<IResult> Restore(string version, ILearner learner, CancellationToken cancellation)
    {
        if (!WeightFile.TryParse(version, orLatest: false, Address, out var number, out var wrong)) return wrong;
        return await learner.RestoreWeights(number!.Value, cancellation) is { } restored
            ? WeightFile.Receipt(Address, restored)
            : WeightFile.Missing(version, Address);
    }

    private static ProblemResult NoShadow() => ProblemBody.Of(
        StatusCodes.Status404NotFound, "no challenger learns here; set Shadow.Enabled and Shadow.Challenger in the configuration").ToResult();
}
