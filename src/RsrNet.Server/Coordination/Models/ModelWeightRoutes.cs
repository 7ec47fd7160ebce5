using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RsrNet.Core.Coordination.Models;
using RsrNet.Server.Http;
using RsrNet.Server.Weights;

namespace RsrNet.Server.Coordination.Models;

/// <summary>/v1/models/{name}/weights: versions of a text model, as /v1/weights has RSR-Net's.</summary>
internal static class ModelWeightRoutes
{
    public static void MapModelWeights(this RouteGroupBuilder models, ModelHost? host, ServerOptions options)
    {
        var weights = models.MapGroup("/{name}/weights");

        weights.MapGet("", (string name, CancellationToken cancellation) => With(name, host, async runner => new ApiAnswer<WeightList>(
                new WeightList([.. (await Task.Run(runner.ListWeights, cancellation)).Select(WeightItem.Of)]), ApiJson.Relaxed.WeightList)))
            .WithName("ListModelWeights")
            .WithSummary("Versions of a model that can be had: the kept checkpoints and the current one; newest first")
            .Produces<WeightList>()
            .ProducesProblems(404, 503);

        weights.MapPost("", (string name, CancellationToken cancellation) => With(name, host, async runner => new ApiAnswer<WeightItem>(
                WeightItem.Of(await Task.Run(runner.Save, cancellation)), ApiJson.Relaxed.WeightItem)))
            .WithName("SaveModelWeights")
            .WithSummary("Writes a checkpoint of a model's current version now")
            .Produces<WeightItem>()
            .ProducesProblems(404, 503);

        weights.MapPut("", (string name, HttpRequest request, CancellationToken cancellation) => With(name, host, runner => WeightFile.Take(
                request, Address(name), options, file => Task.Run(() => runner.ImportWeights(file), cancellation), cancellation)))
            .WithName("ImportModelWeights")
            .WithSummary("Goes on from the weights of a safetensors file, as a new version; the optimiser starts anew, the place in the stream stays")
            .WithDescription("A file that was downloaded brings its vocabulary and classes; a bare state_dict must fit those that the model has.")
            .WithMetadata(new RequestSchema(null, WeightFile.Types))
            .Produces<WeightReceipt>()
            .ProducesProblems(400, 404, 413, 415, 503);

        weights.MapGet("/{version}", (string name, string version, HttpResponse response, CancellationToken cancellation) =>
                With(name, host, runner => Download(runner, version, response, cancellation)))
            .WithName("GetModelWeights")
            .WithSummary("One version of a model as safetensors with PyTorch's names, vocabulary and classes in the metadata; `latest` for the current one")
            .Produces<byte[]>(StatusCodes.Status200OK, "application/octet-stream")
            .ProducesProblems(400, 404, 503);

        weights.MapPost("/{version}/restore", (string name, string version, CancellationToken cancellation) =>
                With(name, host, runner => Restore(runner, version, cancellation)))
            .WithName("RestoreModelWeights")
            .WithSummary("Makes an earlier version of a model the current one again, under a new number; its place in the stream stays")
            .Produces<WeightReceipt>()
            .ProducesProblems(400, 404, 503);
    }

    private static Task<IResult> With<TResult>(string name, ModelHost? host, Func<ModelRunner, Task<TResult>> answer)
        where TResult : IResult => host?.Find(name) is { } runner ? Answer(runner, answer) : Task.FromResult<IResult>(ModelRoutes.Missing(name));

    private static async Task<IResult> Answer<TResult>(ModelRunner runner, Func<ModelRunner, Task<TResult>> answer)
        where TResult : IResult => await answer(runner);

    private static async Task<IResult> Download(ModelRunner runner, string version, HttpResponse response, CancellationToken cancellation)
    {
        if (!WeightFile.TryParse(version, orLatest: true, Address(runner.Name), out var number, out var wrong)) return wrong;
        if (await Task.Run(() => runner.FindWeights(number), cancellation) is not { } found) return WeightFile.Missing(version, Address(runner.Name));
        var name = string.Create(CultureInfo.InvariantCulture, $"{runner.Name}-weights-{found.Version}.safetensors");
        return await WeightFile.Send(response, name, found.Version, found.File, cancellation);
    }

    private static async Task<IResult> Restore(ModelRunner runner, string version, CancellationToken cancellation)
    {
        if (!WeightFile.TryParse(version, orLatest: false, Address(runner.Name), out var number, out var wrong)) return wrong;
        return await Task.Run(() => runner.RestoreWeights(number!.Value), cancellation) is { } restored
            ? WeightFile.Receipt(Address(runner.Name), restored)
            : WeightFile.Missing(version, Address(runner.Name));
    }

    private static string Address(string name) => $"/v1/models/{name}/weights";
}
