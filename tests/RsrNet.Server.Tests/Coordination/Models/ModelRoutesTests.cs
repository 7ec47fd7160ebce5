using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Weights;
using RsrNet.Server.Tests.Cli;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Coordination.Models;

/// <summary>A server with a classifier and a language model, which have learned what there is.</summary>
public sealed class ModelRoutesTests : IAsyncLifetime
{
    private const int Articles = 24;

    private static readonly Dictionary<string, ModelOptions> Models = new()
    {
        ["topics"] = new() { Embedding = 8, Hidden = 2, MinimumCount = 1, LearningRate = 0.02, BatchSize = 4, BatchWaitMs = 0, Label = "topic" },
        ["speaker"] = new()
        {
            Kind = ModelKind.LanguageModel, Vocabulary = VocabularyKind.Characters, MinimumCount = 1, Embedding = 8, Hidden = 12, Window = 16, BatchSize = 4,
            BatchWaitMs = 0, Cell = RecurrentCell.Gru,
        },
    };

    private readonly TemporaryFolder folder = new();
    private RunningServer server = null!;

    private HttpClient client => server.Client;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        server = await RunningServer.Start(learning: true, models: Models);
        var articles = Enumerable.Range(0, Articles).Select(i => new Article($"a{i}", i % 2 == 0 ? $"The team won game {i}." : $"The bank lost money {i}.")
        {
            Labels = new SortedDictionary<string, string> { ["topic"] = i % 2 == 0 ? "sport" : "money" },
        });
        await server.Learner.Ingest([.. articles], Cancellation);
        await Learned("topics");
        await Learned("speaker");
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task Models_AreListedWithTheirFigures()
    {
        var items = (await Json("/v1/models"))["items"]!.AsArray();
        Assert.Equal(["speaker", "topics"], items.Select(item => (string)item!["name"]!));
        Assert.Equal(["languageModel", "classifier"], items.Select(item => (string)item!["kind"]!));
        Assert.All(items, item => Assert.Equal("cpu", (string)item!["engine"]!));

        var topics = await Json("/v1/models/topics");
        Assert.Equal((Articles, "lstm", "words"), ((int)topics["prequential"]!["articles"]!, (string)topics["cell"]!, (string)topics["vocabulary"]!));
        Assert.Equal(["money", "sport"], topics["prequential"]!["classes"]!.AsArray().Select(one => (string)one!["label"]!).Order(StringComparer.Ordinal));
        Assert.Equal("topic", (string)topics["options"]!["label"]!);
        // What computes, and what was asked for.
        Assert.Equal(("cpu", "auto"), ((string)topics["engine"]!, (string)topics["options"]!["engine"]!));
        Assert.NotEmpty(topics["prequential"]!["history"]!.AsArray());
        var speaker = await Json("/v1/models/speaker");
        Assert.True((double)speaker["prequential"]!["perplexity"]! > 1);
        Assert.Null(speaker["prequential"]!["classes"]);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri("/v1/models/nobody", UriKind.Relative), Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Classify_AText_ScoresEveryClass()
    {
        var (status, answer) = await Post("/v1/models/topics/classify", """{"text": "the team won"}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(2, answer["scores"]!.AsArray().Count);
        Assert.Equal((string)answer["label"]!, (string)answer["scores"]![0]!["label"]!);
        Assert.Equal(1, answer["scores"]!.AsArray().Sum(score => (double)score!["probability"]!), 1e-6);
        Assert.True((long)answer["version"]! > 0);
    }

    [Theory]
    [InlineData("/v1/models/topics/classify", "{}", 400)]
    [InlineData("/v1/models/topics/classify", """{"text": 5}""", 400)]
    [InlineData("/v1/models/topics/classify", """{"text": "x", "txt": "y"}""", 400)]
    [InlineData("/v1/models/nobody/classify", """{"text": "x"}""", 404)]
    [InlineData("/v1/models/speaker/classify", """{"text": "x"}""", 409)]
    [InlineData("/v1/models/topics/generate", "{}", 409)]
    [InlineData("/v1/models/speaker/generate", """{"temperature": -1, "topP": 2}""", 400)]
    [InlineData("/v1/models/speaker/generate", """{"prompt": "x", "document": "a1"}""", 400)]
    [InlineData("/v1/models/speaker/generate", """{"document": "nobody"}""", 404)]
    [InlineData("/v1/models/topics/embed", """{"texts": []}""", 400)]
    public async Task Requests_ThatCannotBeAnswered_SayWhy(string path, string body, int expected)
    {
        var (status, problem) = await Post(path, body);
        Assert.Equal(expected, (int)status);
        Assert.False(string.IsNullOrEmpty((string?)problem["detail"]));
    }

    [Fact]
    public async Task Generate_InOneAnswerAndAsEvents_IsTheSameText()
    {
        const string Body = """{"prompt": "the ", "maxTokens": 12, "seed": 4, "stopAtEnd": false}""";
        var (status, answer) = await Post("/v1/models/speaker/generate", Body);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(12, ((string)answer["text"]!).Length);

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/models/speaker/generate") { Content = new StringContent(Body, Encoding.UTF8, "application/json") };
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var response = await client.SendAsync(request, Cancellation);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var events = (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).ToList();
        Assert.Equal(12, events.Count);
        Assert.Equal((string)answer["text"]!, string.Concat(events.Select(line => (string)JsonNode.Parse(line[6..])!["text"]!)));

        var (_, from) = await Post("/v1/models/speaker/generate", """{"document": "a2", "maxTokens": 5, "stopAtEnd": false}""");
        Assert.Equal(5, ((string)from["text"]!).Length);
    }

    [Fact]
    public async Task Embed_HiddenOfTwo_GivesPlacesBeforeAndAfterLearning()
    {
        var (_, after) = await Post("/v1/models/topics/embed", """{"texts": ["the team won", "the bank lost"]}""");
        var (_, before) = await Post("/v1/models/topics/embed", """{"texts": ["the team won", "the bank lost"], "untrained": true}""");
        Assert.Equal([2, 2], after["items"]!.AsArray().Select(vector => vector!.AsArray().Count));
        Assert.NotEqual(before["items"]!.ToJsonString(), after["items"]!.ToJsonString());
    }

    [Fact]
    public async Task Put_ANewModel_LearnsWhileTheServerRuns()
    {
        var (status, added) = await Send(HttpMethod.Put, "/v1/models/late", """{"label": "topic", "cell": "mean", "embedding": 6, "batchWaitMs": 0}""");
        Assert.Equal(HttpStatusCode.Created, status);
        Assert.Equal("mean", (string)added["cell"]!);
        await Learned("late");
        Assert.Equal(HttpStatusCode.Conflict, (await Send(HttpMethod.Put, "/v1/models/late", "{}")).Status);
        var (bad, problem) = await Send(HttpMethod.Put, "/v1/models/worse", """{"hiden": 3, "layers": 99}""");
        Assert.Equal(HttpStatusCode.BadRequest, bad);
        Assert.Contains("did you mean 'Hidden'", (string)problem["detail"]!, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await Send(HttpMethod.Put, "/v1/models/Not%20a%20name", "{}")).Status);
        var (engine, missing) = await Send(HttpMethod.Put, "/v1/models/fast", """{"engine": "cuda"}""");
        Assert.Equal(HttpStatusCode.BadRequest, engine);
        Assert.Contains("Models.fast.Engine: there is no engine 'cuda' in this edition", (string)missing["detail"]!, StringComparison.Ordinal);
        Assert.Contains("it comes with the full edition", (string)missing["detail"]!, StringComparison.Ordinal);
        var (file, why) = await Send(HttpMethod.Put, "/v1/models/pairs", """{"vocabulary": "bytePairs", "vocabularyFile": "/etc/hostname"}""");
        Assert.Equal((HttpStatusCode.BadRequest, true), (file, ((string)why["detail"]!).Contains("only be named in the configuration", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Delete_AModel_ItIsGone()
    {
        Assert.Equal(HttpStatusCode.Created, (await Send(HttpMethod.Put, "/v1/models/brief", """{"label": "topic", "embedding": 6, "batchWaitMs": 0}""")).Status);
        await Learned("brief");
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync(new Uri("/v1/models/brief", UriKind.Relative), Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Post("/v1/models/brief/classify", """{"text": "x"}""")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.DeleteAsync(new Uri("/v1/models/brief", UriKind.Relative), Cancellation)).StatusCode);
        Assert.Equal(["speaker", "topics"], (await Json("/v1/models"))["items"]!.AsArray().Select(item => (string)item!["name"]!));
    }

    [Fact]
    public async Task Weights_Latest_IsASafetensorsFileWithPyTorchsNames()
    {
        var bytes = await client.GetByteArrayAsync(new Uri("/v1/models/topics/weights/latest", UriKind.Relative), Cancellation);
        using var reader = new SafetensorsReader(new MemoryStream(bytes));
        Assert.Equal([8L, 8], reader.Header.Find("rnn.weight_ih_l0")!.Shape);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri("/v1/models/topics/weights/999999", UriKind.Relative), Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync(new Uri("/v1/models/topics/weights/newest", UriKind.Relative), Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Weights_AreListedSavedImportedAndRestored()
    {
        const string Address = "/v1/models/topics/weights";
        var (status, saved) = await Send(HttpMethod.Post, Address, "");
        Assert.Equal(HttpStatusCode.OK, status);
        var version = (long)saved["version"]!;
        var items = (await Json(Address))["items"]!.AsArray();
        Assert.Equal((version, true, "classifier"), ((long)items[0]!["version"]!, (bool)items[0]!["current"]!, (string)items[0]!["mode"]!));
        Assert.True((long)items[0]!["bytes"]! > 0);
        var file = await client.GetByteArrayAsync(new Uri($"{Address}/{version}", UriKind.Relative), Cancellation);

        using var response = await PutFile(Address, file);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($"{Address}/{version + 1}", response.Headers.Location?.ToString());
        var (_, restored) = await Send(HttpMethod.Post, $"{Address}/{version}/restore", "");
        Assert.Equal(version + 2, (long)restored["version"]!);
        Assert.Equal(file, await client.GetByteArrayAsync(new Uri($"{Address}/latest", UriKind.Relative), Cancellation));

        using var cut = await PutFile(Address, file[..^1]);
        Assert.Equal(HttpStatusCode.BadRequest, cut.StatusCode);
        Assert.NotNull(JsonNode.Parse(await cut.Content.ReadAsStringAsync(Cancellation))!["errors"]!["body"]);
        using var other = await PutFile("/v1/models/speaker/weights", file);
        Assert.Contains("whose kind is Classifier", await other.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        using var nobody = await PutFile("/v1/models/nobody/weights", file);
        Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await Send(HttpMethod.Put, Address, "{}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Send(HttpMethod.Post, $"{Address}/999999/restore", "")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Send(HttpMethod.Post, $"{Address}/latest/restore", "")).Status);
    }

    [Fact]
    public async Task LateLabel_OfADocument_IsLearned()
    {
        var (status, _) = await Post("/v1/documents/a3/labels", """{"labels": {"topic": "weather"}}""");
        Assert.Equal(HttpStatusCode.Accepted, status);
        await Learned("topics", Articles + 1);
        var classes = (await Json("/v1/models/topics"))["prequential"]!["classes"]!.AsArray();
        Assert.Equal(1, (int)classes.Single(one => (string)one!["label"]! == "weather")!["articles"]!);
    }

    [Fact]
    public async Task Telemetry_HasTheModels()
    {
        var models = (await Json("/v1/telemetry"))["models"]!.AsArray();
        Assert.Equal(["speaker", "topics"], models.Select(model => (string)model!["name"]!));
        Assert.All(models, model => Assert.Equal(Articles, (int)model!["articles"]!));
        Assert.True((double)models[0]!["perplexity"]! > 1);
        Assert.Null(models[1]!["perplexity"]);
        Assert.InRange((double)models[1]!["accuracy"]!, 0, 1);
    }

    [Fact]
    public async Task Page_OfTheDashboard_ShowsEachModel()
    {
        var page = await client.GetStringAsync(new Uri("/models", UriKind.Relative), Cancellation);
        foreach (var text in new[] { "topics", "speaker", "Accuracy before learning", "Perplexity before learning", "Restore version", "sport" }) Assert.Contains(text, page, StringComparison.Ordinal);
        Assert.Contains("rsrnet_models_learned", await client.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_ClassifyAndGenerate_AskTheServer()
    {
        using var run = new CommandRun();
        var url = server.Address.ToString();
        var classified = await run.Of("classify", "topics", "the", "team", "won", "--url", url, "--json");
        Assert.Equal(0, classified.Code);
        Assert.Equal("topics", (string)classified.Json["model"]!);
        Assert.Contains("sport", (await run.Of("classify", "topics", "the team won", "--url", url)).Results, StringComparison.Ordinal);

        var streamed = await run.Of("generate", "speaker", "the", "--tokens", "30", "--seed", "3", "--url", url);
        var whole = await run.Of("generate", "speaker", "the", "--tokens", "30", "--seed", "3", "--url", url, "--json");
        Assert.Equal((string)whole.Json["text"]!, streamed.Results.TrimEnd('\r', '\n'));
        var file = folder.File("topics.safetensors");
        Assert.Equal(0, (await run.Of("checkpoint", "save", file, "--model", "topics", "--url", url)).Code);
        var before = (long)(await Json("/v1/models/topics"))["version"]!;
        var loaded = await run.Of("checkpoint", "load", file, "--model", "topics", "--url", url);
        Assert.Equal($"weight version {before + 1}", loaded.Results.TrimEnd('\r', '\n'));
        Assert.Contains("current", (await run.Of("checkpoint", "list", "--model", "topics", "--url", url)).Results, StringComparison.Ordinal);

        var missing = await run.Of("generate", "nobody", "--url", url);
        Assert.Equal(1, missing.Code);
        Assert.Contains("no model has the name 'nobody'", missing.Notices, StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> PutFile(string address, byte[] file)
    {
        using var content = new ByteArrayContent(file) { Headers = { ContentType = new("application/octet-stream") } };
        return await client.PutAsync(new Uri(address, UriKind.Relative), content, Cancellation);
    }

    private async Task Learned(string model, int articles = Articles)
    {
        // Five minutes are a hang, not a bound on speed: the machine may be busy with everything else.
        var began = TimeProvider.System.GetTimestamp();
        var seen = "";
        while (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(5))
        {
            var body = await Json($"/v1/models/{model}");
            if ((int)body["prequential"]!["articles"]! == articles) return;
            seen = body.ToJsonString();
            await Task.Delay(20, Cancellation);
        }
        Assert.Fail($"{model} has not learned {articles} articles: {seen}");
    }

    private async Task<JsonNode> Json(string path) => JsonNode.Parse(await client.GetStringAsync(new Uri(path, UriKind.Relative), Cancellation))!;

    private Task<(HttpStatusCode Status, JsonNode Body)> Post(string path, string body) => Send(HttpMethod.Post, path, body);

    private async Task<(HttpStatusCode Status, JsonNode Body)> Send(HttpMethod method, string path, string body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await client.SendAsync(request, Cancellation);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!);
    }
}
