using System.Net.Http.Json;
using RsrNet.Server.Documents;
using RsrNet.Server.Tests.Models;

namespace RsrNet.Server.Tests.Cli;

/// <summary>serve in this process: a real store, learner and server on a free port.</summary>
public sealed class ServeCommandTests : IDisposable
{
    private readonly CommandRun command = new() { Edition = TestedEdition.Create() };

    public void Dispose() => command.Dispose();

    private string Data => Path.Combine(command.Folder, "data");

    [Fact]
    public async Task Demo_StreamsArticles_AndTheNextStartGoesOnWithThem()
    {
        long before;
        await using (var first = await Serving.Start(command, "--demo", "--demo-rate", "50", "--data", Data, "--quiet"))
        {
            var numbers = await first.WaitFor(telemetry => telemetry["documents"]!["total"]!.GetValue<long>() >= 10);
            Assert.True(numbers["articlesPerSecond"]!.GetValue<double>() > 0);
            before = await first.Documents();
            var ended = await first.Stop();
            Assert.Equal(0, ended.Code);
            Assert.Contains("resumes where this one stopped", ended.Notices, StringComparison.Ordinal);
        }
        await using var second = await Serving.Start(command, "--demo", "--demo-rate", "0.01", "--data", Data, "--quiet");
        Assert.True(await second.Documents() >= before);
    }

    [Fact]
    public async Task Feed_TakesFilesThatAreThereAndThoseThatCome()
    {
        command.Write("feed/first.jsonl", "{\"id\":\"first\",\"text\":\"It rained.\"}\n");
        await using var serving = await Serving.Start(command, "--feed", Path.Combine(command.Folder, "feed"), "--data", Data, "--quiet");
        await serving.WaitFor(telemetry => telemetry["accepted"]!.GetValue<long>() == 1);
        command.Write("feed/second.story", "It snowed all night.\n\n@highlight\n\nIt snowed\n");
        await serving.WaitFor(telemetry => telemetry["accepted"]!.GetValue<long>() == 2);
    }

    [Fact]
    public async Task DataFolderInUse_ExitsWithOneAndSaysByWhom()
    {
        await using var first = await Serving.Start(command, "--data", Data, "--quiet");
        var second = await command.Of("serve", "--data", Data, "--urls", "http://127.0.0.1:0");
        Assert.Equal(1, second.Code);
        Assert.Contains("in use by process", second.Notices, StringComparison.Ordinal);
        Assert.Empty(second.Results);
    }

    [Fact]
    public async Task PortInUse_ExitsWithOne_AndLetsGoOfTheDataFolder()
    {
        await using var first = await Serving.Start(command, "--data", Data, "--quiet");
        var other = Path.Combine(command.Folder, "other");
        var second = await command.Of("serve", "--data", other, "--urls", first.Url);
        Assert.Equal(1, second.Code);
        Assert.Contains("in use by another program", second.Notices, StringComparison.Ordinal);
        await using var third = await Serving.Start(command, "--data", other, "--quiet");
    }

    [Fact]
    public async Task DataFolderThatIsAFile_ExitsWithOneAndNamesIt()
    {
        var file = command.Write("data", "not a folder");
        var outcome = await command.Of("serve", "--data", file, "--urls", "http://127.0.0.1:0");
        Assert.Equal(1, outcome.Code);
        Assert.Contains(file, outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DataOfAnotherEncoder_IsRefused()
    {
        await using (var store = SqliteDocumentStore.Open(Data))
        {
            await store.WriteSetting("encoder", "another-1", TestContext.Current.CancellationToken);
        }
        var outcome = await command.Of("serve", "--data", Data, "--urls", "http://127.0.0.1:0");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("another-1", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownSetting_ExitsWithOneAndNamesIt()
    {
        var file = command.Write("settings.json", """{"Weights":{"Kep":3}}""");
        var outcome = await command.Of("serve", "--config", file);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("Kep", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EngineThatIsNotThere_ExitsWithOneAndNamesTheSetting()
    {
        var file = command.Write("settings.json", """{"Replicas":{"Engine":"abacus"}}""");
        var outcome = await command.Of("serve", "--config", file, "--data", Data);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("Replicas.Engine: there is no engine 'abacus'", outcome.Notices, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public async Task SettingsFile_WithAModelOfAnotherEdition_NamesFieldAndFix()
    {
        var file = command.Write("settings.json", """{"Models": {"topics": {"Engine": "torch-cpu"}}}""");
        var outcome = await command.Of("serve", "--data", Data, "--config", file);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("Models.topics.Engine: there is no engine 'torch-cpu' in this edition", outcome.Notices, StringComparison.Ordinal);
        Assert.Contains("./rsrnet --edition full", outcome.Notices, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public async Task SettingsFile_IsUsed_AndArgumentsGoBeforeIt()
    {
        var file = command.Write(
            "settings.json", $$"""{"Server":{"Urls":"http://127.0.0.1:1","Data":"{{Data}}"},"Articles":{"TextLength":20} }""");
        await using var serving = await Serving.Start(command, "--config", file, "--quiet");
        Assert.True(Directory.Exists(Data));
        using var http = new HttpClient();
        var answer = await http.PostAsJsonAsync(
            new Uri(serving.Url + "v1/articles"), new { text = "It rained for far more than twenty characters." },
            TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task BartThatIsNotThere_IsSaidOnce_AndTheHashedEncoderServes()
    {
        await using var serving = await Serving.Start(command, "--encoder", "bart-base", "--data", Data, "--quiet");
        var numbers = await serving.WaitFor(_ => true);
        Assert.Equal("hashed-768-1", numbers["encoder"]!.GetValue<string>());
        var notices = (await serving.Stop()).Notices;
        Assert.Equal(2, notices.Split("rsrnet models pull facebook/bart-base").Length);
    }

    [Fact]
    public async Task ModelFolder_Serves_AndTheNextStartKeepsToIt()
    {
        string? id = null;
        foreach (var option in new[] { new[] { "--encoder", TinyModel.Folder }, [] })
        {
            await using var serving = await Serving.Start(command, [.. option, "--data", Data, "--quiet"]);
            var numbers = await serving.WaitFor(_ => true);
            id ??= numbers["encoder"]!.GetValue<string>();
            Assert.Equal(id, numbers["encoder"]!.GetValue<string>());
        }
        Assert.StartsWith("bart-16-", id, StringComparison.Ordinal);
        var other = await command.Of("serve", "--encoder", "hashed", "--data", Data, "--urls", "http://127.0.0.1:0");
        Assert.Equal(1, other.Code);
        Assert.Contains("rsrnet documents reembed", other.Notices, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "--encoder", "./no-such-folder")]
    [InlineData(2, "--demo-rate", "5")]
    [InlineData(2, "--demo-drift", "5")]
    [InlineData(2, "--demo", "--demo-rate", "0")]
    [InlineData(2, "--engine", "steam")]
    [InlineData(2, "--urls", "nowhere")]
    [InlineData(2, "--urls", "https://127.0.0.1:5080")]
    [InlineData(1, "--feed", "/no/such/folder")]
    [InlineData(1, "--config", "/no/such/file.json")]
    public async Task WrongCall_IsRefusedBeforeAnythingIsOpened(int code, params string[] arguments)
    {
        var outcome = await command.Of(["serve", "--data", Data, .. arguments]);
        Assert.Equal(code, outcome.Code);
        Assert.NotEmpty(outcome.Notices);
        Assert.False(Directory.Exists(Data));
    }
}
