using System.Buffers.Binary;
using System.Net;
using System.Text;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Weights;

/// <summary>Weights of the mode that serves unless told otherwise.</summary>
public sealed class ResidualWeightRoutesTests() : WeightRoutesTests(LearningMode.Residual)
{
    [Fact]
    public async Task Import_OfTheOtherModesNetwork_IsRefused() =>
        (await Import(FileOf(RecursionInitialization.Create(new RecursionShape(768, 8, 4), 7)))).Errors("body");
}

/// <summary>Weights of the notebook's network.</summary>
public sealed class NotebookWeightRoutesTests() : WeightRoutesTests(LearningMode.Notebook)
{
    [Fact]
    public async Task Latest_HasBatchNormsStatistics()
    {
        using var reader = new SafetensorsReader(new MemoryStream((await Server.Get("/v1/weights/latest")).Body));
        Assert.NotNull(reader.Header.Find("bn2.num_batches_tracked"));
    }
}

public abstract class WeightRoutesTests(LearningMode mode) : IAsyncLifetime
{
    private readonly RecursionShape _shape = new(768, 8, 4) { Mode = mode };

    private RunningServer _server = null!;

    protected RunningServer Server => _server;

    public async ValueTask InitializeAsync() => _server = await RunningServer.Start(new RsrNetOptions
    {
        Learning = mode, Replicas = new() { Hidden = 8, Latent = 4 }, Residual = new() { Hidden = 8, Latent = 4 },
        Documents = new() { RefreshWhenIdle = false },
    });

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task List_NamesTheCurrentVersion()
    {
        var items = (await _server.Get("/v1/weights")).Json["items"]!.AsArray();

        Assert.Equal(
            ["version", "createdAt", "mode", "bytes", "current", "encoderId"], items.Single()!.AsObject().Select(field => field.Key));
        Assert.True((bool)items[0]!["current"]!);
        Assert.Equal("hashed-768-1", (string)items[0]!["encoderId"]!);
    }

    [Fact]
    public async Task Latest_IsASafetensorsFileWithPyTorchsNames()
    {
        var answer = await _server.Get("/v1/weights/latest");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("application/octet-stream", answer.ContentHeaders.ContentType?.MediaType);
        Assert.Equal("rsrnet-weights-0.safetensors", answer.ContentHeaders.ContentDisposition?.FileName);
        using var reader = new SafetensorsReader(new MemoryStream(answer.Body));
        Assert.Equal([8L, _shape.Input], reader.Header.Find("fc1.weight")!.Shape);
        Assert.Equal(HttpStatusCode.OK, (await _server.Get("/v1/weights/0")).Status);
    }

    [Fact]
    public async Task Import_ThenDownload_GivesTheSameNumbersUnderANewVersion()
    {
        var weights = RecursionInitialization.Create(_shape, 7);
        if (mode == LearningMode.Notebook) weights.BatchesTracked = 11;
        else weights.Statistic("pool.anchor")[0] = (float)new ResidualOptions().Anchor; // a setting, which no import changes

        var answer = await Import(FileOf(weights));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(["version"], answer.Keys);
        var version = (long)answer.Json["version"]!;
        Assert.True(version > 0);
        Assert.Equal($"/v1/weights/{version}", answer.Headers.Location?.ToString());
        Assert.Equal(NumbersOf(weights), await Numbers($"{version}"));
    }

    [Fact]
    public async Task Restore_MakesAnEarlierVersionCurrentUnderANewNumber()
    {
        var saved = (await _server.Send(HttpMethod.Post, "/v1/weights")).Json;
        var before = await Numbers("latest");
        await Import(FileOf(RecursionInitialization.Create(_shape, 7)));
        Assert.NotEqual(before, await Numbers("latest"));

        var answer = await _server.Send(HttpMethod.Post, $"/v1/weights/{(long)saved["version"]!}/restore");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True((long)answer.Json["version"]! > (long)saved["version"]! + 1);
        Assert.Equal(before, await Numbers("latest"));
    }

    [Theory]
    [InlineData("GET", "/v1/weights/123456")]
    [InlineData("POST", "/v1/weights/123456/restore")]
    public async Task Version_ThatIsNotKept_IsNotFound(string method, string path) =>
        (await _server.Send(new HttpMethod(method), path)).Problem(404);

    [Theory]
    [InlineData("GET", "/v1/weights/newest")]
    [InlineData("GET", "/v1/weights/-1")]
    [InlineData("GET", "/v1/weights/99999999999999999999")]
    [InlineData("POST", "/v1/weights/latest/restore")]
    public async Task Version_ThatIsNoNumber_IsRefused(string method, string path) =>
        (await _server.Send(new HttpMethod(method), path)).Errors("version");

    [Fact]
    public async Task Import_OfNumbersThatAreNone_NamesTheTensorAndChangesNothing()
    {
        var before = await Numbers("latest");
        var weights = RecursionInitialization.Create(_shape, 7);
        weights.Parameter("fc_latent.bias")[3] = float.NaN;

        var problem = await Import(FileOf(weights));

        Assert.Contains("fc_latent.bias", (string)problem.Errors("body")["body"]![0]!, StringComparison.Ordinal);
        Assert.Equal(before, await Numbers("latest"));
    }

    [Fact]
    public async Task Import_OfAnotherShape_IsRefused() =>
        (await Import(FileOf(RecursionInitialization.Create(new RecursionShape(16, 8, 4), 7)))).Errors("body");

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(100)]
    [InlineData(-1)]
    public async Task Import_OfACutFile_IsRefused(int length)
    {
        var file = FileOf(RecursionInitialization.Create(_shape, 7));
        (await Import(file[..(length < 0 ? file.Length - 1 : length)])).Errors("body");
    }

    [Fact]
    public async Task Import_OfAHeaderThatLiesAboutSizes_IsRefused()
    {
        var file = FileOf(RecursionInitialization.Create(_shape, 7));
        var tooLong = (byte[])file.Clone();
        BinaryPrimitives.WriteUInt64LittleEndian(tooLong, ulong.MaxValue);
        (await Import(tooLong)).Errors("body");

        var header = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        var json = Encoding.UTF8.GetString(file, 8, header);
        var lying = json.Replace("\"shape\":[8]", "\"shape\":[9]", StringComparison.Ordinal);
        Assert.NotEqual(json, lying);
        (await Import([.. file[..8], .. Encoding.UTF8.GetBytes(lying), .. file[(8 + header)..]])).Errors("body");
    }

    [Fact]
    public async Task Import_OverTheLimit_IsTooLarge()
    {
        await using var server = await RunningServer.Start(serverOptions: new ServerOptions { ImportBytes = 1024 });
        (await server.Send(HttpMethod.Put, "/v1/weights", new byte[1025], "application/octet-stream")).Problem(413);
    }

    [Fact]
    public async Task Import_OfAnotherMediaType_IsUnsupported() =>
        (await _server.Send(HttpMethod.Put, "/v1/weights", "{}"u8.ToArray(), "application/json")).Problem(415);

    /// <summary>The numbers of a version: a file also says when it was made.</summary>
    private async Task<float[]> Numbers(string version) =>
        NumbersOf(CheckpointFile.Read(new MemoryStream((await _server.Get($"/v1/weights/{version}")).Body)).Weights);

    private static float[] NumbersOf(RecursionWeights weights) => [.. weights.Parameters, .. weights.Statistics, weights.BatchesTracked];

    protected Task<Answer> Import(byte[] file) => _server.Send(HttpMethod.Put, "/v1/weights", file, "application/octet-stream");

    protected static byte[] FileOf(RecursionWeights weights)
    {
        using var file = new MemoryStream();
        StateDict.Write(file, weights);
        return file.ToArray();
    }
}
