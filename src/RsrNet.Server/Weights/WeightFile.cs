using System.Globalization;
using Microsoft.AspNetCore.Http;
using RsrNet.Core;
using RsrNet.Server.Http;

namespace RsrNet.Server.Weights;

/// <summary>Weights on their way in or out as a safetensors file: RSR-Net's and the text models' alike.</summary>
internal static class WeightFile
{
    public static readonly string[] Types = ["application/octet-stream", "application/x-safetensors", "application/vnd.safetensors"];

    /// <param name="name">Of the file.</param>
    public static async Task<IResult> Send(HttpResponse response, string name, long version, ReadOnlyMemory<byte> file, CancellationToken cancellation)
    {
        response.ContentType = Types[0];
        response.ContentLength = file.Length;
        response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");
        await response.Body.WriteAsync(file, cancellation);
        return TypedResults.Empty;
    }

    /// <summary>Takes the file of a request.</summary>
    /// <param name="address">Where versions are, such as <c>/v1/weights</c>.</param>
    /// <param name="import">Goes on from it and gives the new version.</param>
    public static async Task<IResult> Take(
        HttpRequest request, string address, ServerOptions options, Func<byte[], Task<long>> import, CancellationToken cancellation)
    {
        if (!RequestBody.IsOf(request, Types, out var wrongType)) return wrongType.ToResult();
        var file = await RequestBody.Read(request, options.ImportBytes, cancellation);
        try
        {
            return Receipt(address, await import(file));
        }
        catch (Exception problem) when (problem is InvalidDataException or NotSupportedException or WeightsRejectedException)
        {
            var problems = new FieldProblems();
            problems.Add("", problem.Message);
            return ProblemBody.Of(problems).ToResult();
        }
    }

    /// <inheritdoc cref="Take"/>
    public static ApiAnswer<WeightReceipt> Receipt(string address, long version) => new(
        new WeightReceipt(version), ApiJson.Relaxed.WeightReceipt, StatusCodes.Status200OK,
        string.Create(CultureInfo.InvariantCulture, $"{address}/{version}"));

    /// <param name="number">Null for <c>latest</c>.</param>
    /// <param name="wrong">What to answer where it is neither.</param>
    public static bool TryParse(string version, bool orLatest, string address, out long? number, out IResult wrong)
    {
        number = null;
        wrong = TypedResults.Empty;
        if (orLatest && version == "latest") return true;
        if (long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed))
        {
            number = parsed;
            return true;
        }
        var problems = new FieldProblems();
        problems.Add(
            "version",
            $"is '{(version.Length > 60 ? version[..60] + "..." : version)}'; it must be a number {(orLatest ? "or latest" : $"of GET {address}")}");
        wrong = ProblemBody.Of(problems).ToResult();
        return false;
    }

    public static IResult Missing(string version, string address) =>
        ProblemBody.Of(StatusCodes.Status404NotFound, $"version {version} is not kept; GET {address} lists those that are").ToResult();
}
