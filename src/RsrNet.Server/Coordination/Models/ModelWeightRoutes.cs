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
    public static void MapModelWeights(this RouteGroupBuilder group, ITextModels? models, ServerOptions options)
    {
        var weights = group.MapGroup("/{name}/weights");

        weights.MapGet("", (string name, CancellationToken cancellation) => With(name, models, async model => new ApiAnswer<WeightList>(
                new WeightList([.. (await model.ListWeights(cancellation)).Select(WeightItem.Of)]), ApiJson.Relaxed.WeightList), cancellation))
            .WithName("ListModelWeights")
            .WithSummary("Versions of a model that can be had: the kept checkpoints and the current one; newest first")
            .Produces<WeightList>()
            .ProducesProblems(404, 503);

        weights.MapPost("", (string name, CancellationToken cancellation) => With(name, models, async model => new ApiAnswer<WeightItem>(
                WeightItem.Of(await model.SaveWeights(cancellation)), ApiJson.Relaxed.WeightItem), cancellation))
            .WithName("SaveModelWeights")
            .WithSummary("Writes a checkpoint of a model's current version now")
            .Produces<WeightItem>()
            .ProducesProblems(404, 503);

        weights.MapPut("", (string name, HttpRequest request, CancellationToken cancellation) => With(name, models, model => WeightFile.Take(
                request, Address(name), options, file => model.ImportWeights(file, cancellation), cancellation), cancellation))
            .WithName("ImportModelWeights")
            .WithSummary("Goes on from the weights of a safetensors file, as a new version; the optimiser starts anew, the place in the stream stays")
            .WithDescription("A file that was downloaded brings its vocabulary and classes; a bare state_dict must fit those that the model has.")
            .WithMetadata(new RequestSchema(null, WeightFile.Types))
            .Produces<WeightReceipt>()
            .ProducesProblems(400, 404, 413, 415, 503);

        weights.MapGet("/{version}", (string name, string version, HttpResponse response, CancellationToken cancellation) =>
                With(name, models, model => Download(model, version, response, cancellation), cancellation))
            .WithName("GetModelWeights")
            .WithSummary("One version of a model as safetensors with PyTorch's names, vocabulary and classes in the metadata; `latest` for the current one")
            .Produces<byte[]>(StatusCodes.Status200OK, "application/octet-stream")
            .ProducesProblems(400, 404, 503);

        weights.MapPost("/{version}/restore", (string name, string version, CancellationToken cancellation) =>
                With(name, models, model => Restore(model, version, cancellation), cancellation))
            .WithName("RestoreModelWeights")
            .WithSummary("Makes an earlier version of a model the current one again, under a new number; its place in the stream stays")
            .Produces<WeightReceipt>()
            .ProducesProblems(400, 404, 503);
    }

    private static async Task<IResult> With<TResult>(string name, ITextModels? models, Func<ITextModel, Task<TResult>> answer, CancellationToken cancellation)
        where TResult : IResult => await models.Named(name, cancellation) is { } model ? await answer(model) : ModelRoutes.Missing(name);

    private static async Task<IResult> Download(ITextModel model, string version, HttpResponse response, CancellationToken cancellation)
    {
        if (!WeightFile.TryParse(version, orLatest: true, Address(model.Name), out var number, out var wrong)) return wrong;
        if (await model.FindWeights(number, cancellation) is not { } found) return WeightFile.Missing(version, Address(model.Name));
        var name = string.Create(CultureInfo.InvariantCulture, $"{model.Name}-weights-{found.Version}.safetensors");
        return await WeightFile.Send(response, name, found.Version, found.File, cancellation);
    }

    private static async Task<IResult> Restore(ITextModel model, string version, CancellationToken cancellation)
    {
        if (!WeightFile.TryParse(version, orLatest: false, Address(model.Name), out var number, out var wrong)) return wrong;
        return await model.RestoreWeights(number!.Value, cancellation) is { } restored
            ? WeightFile.Receipt(Address(model.Name), restored)
            : WeightFile.Missing(version, Address(model.Name));
    }

    private static string Address(string name) => $"/v1/models/{name}/weights";
}
