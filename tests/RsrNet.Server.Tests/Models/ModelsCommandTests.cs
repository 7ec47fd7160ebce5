using System.Text.Json;
using RsrNet.Server.Tests.Cli;

namespace RsrNet.Server.Tests.Models;

public sealed class ModelsCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Pull_FromTheHubOfTheEnvironment_ThenListsAndEmbeds()
    {
        await using var hub = await FakeHub.Start();
        command.Set("HF_ENDPOINT", hub.Url);
        var pulled = await command.Of("models", "pull", FakeHub.Model);
        Assert.True(pulled.Code == 0, pulled.Notices);
        Assert.Contains($"--encoder {FakeHub.Model}", pulled.Results, StringComparison.Ordinal);

        var listed = await command.Of("models", "list", "--json");
        var model = Assert.Single(listed.Json["models"]!.AsArray())!;
        Assert.Equal(FakeHub.Model, (string?)model["name"]);
        Assert.Equal(TinyModel.Files.Sum(file => TinyModel.Bytes(file).Length), (long)model["bytes"]!);
    }

    [Fact]
    public async Task Pull_NobodyThere_SaysHowToBringTheModelByHand()
    {
        var pulled = await command.Of("models", "pull", "facebook/bart-base", "--hub", "http://localhost.invalid");
        Assert.Equal(1, pulled.Code);
        Assert.Contains("cannot be reached", pulled.Notices, StringComparison.Ordinal);
        Assert.Contains("rsrnet models import FOLDER --name facebook/bart-base", pulled.Notices, StringComparison.Ordinal);
        Assert.Contains("http://localhost.invalid/facebook/bart-base/tree/main", pulled.Notices, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("models", "pull", "../../etc")]
    [InlineData("models", "pull", "a/b/c")]
    [InlineData("models", "pull", "a..b/c")]
    [InlineData("models", "pull", "a/b", "--hub", "file:///etc/")]
    public async Task Pull_NameOrHubThatIsNone_IsMisuse(params string[] arguments) => Assert.Equal(2, (await command.Of(arguments)).Code);

    [Fact]
    public async Task Import_Folder_CopiesTheModel()
    {
        var source = Path.Combine(command.Folder, "my-bart");
        TinyModel.CopyTo(source);
        File.WriteAllText(Path.Combine(source, "README.md"), "not needed");
        var imported = await command.Of("models", "import", source);
        Assert.True(imported.Code == 0, imported.Notices);
        Directory.Delete(source, recursive: true);
        var folder = (string)(await command.Of("models", "list", "--json")).Json["models"]![0]!["folder"]!;
        Assert.EndsWith("my-bart", folder, StringComparison.Ordinal);
        Assert.Equal(TinyModel.Files.Order(), Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order());
    }

    [Fact]
    public async Task Import_FolderWithFairseqsTokenizer_EmbedsTheSame()
    {
        var source = Path.Combine(command.Folder, "my-bart");
        TinyModel.CopyTo(source);
        Assert.Equal(0, (await command.Of("models", "import", source, "--name", "shipped-by-hub")).Code);

        // The same tokens as fairseq ships them: GPT-2's ids, and a dictionary that orders them.
        var ids = JsonSerializer.Deserialize<Dictionary<string, int>>(TinyModel.Bytes("vocab.json"))!;
        var tokens = ids.OrderBy(pair => pair.Value).Select(pair => pair.Key).Where(token => token is not ("<s>" or "<pad>" or "</s>" or "<unk>" or "<mask>")).ToArray();
        File.WriteAllText(Path.Combine(source, "encoder.json"), JsonSerializer.Serialize(tokens.Index().ToDictionary(token => token.Item, token => token.Index)));
        File.WriteAllLines(Path.Combine(source, "dict.txt"), tokens.Index().Select(token => $"{token.Index} 1"));
        File.Move(Path.Combine(source, "merges.txt"), Path.Combine(source, "vocab.bpe"));
        File.Delete(Path.Combine(source, "vocab.json"));
        var imported = await command.Of("models", "import", source, "--name", "shipped-by-fairseq");
        Assert.True(imported.Code == 0, imported.Notices);

        var texts = new[] { "the story of a town and its river", "--json", "--encoder" };
        var (hub, fairseq) = (await command.Of(["embed", .. texts, "shipped-by-hub"]), await command.Of(["embed", .. texts, "shipped-by-fairseq"]));
        Assert.Equal(hub.Json["items"]!.ToJsonString(), fairseq.Json["items"]!.ToJsonString());
    }

    [Theory]
    [InlineData("vocab.json", null, "lacks vocab.json")]
    [InlineData("model.safetensors", null, "model.safetensors or pytorch_model.bin")]
    [InlineData("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull")]
    [InlineData("model.safetensors", "garbage!", "cannot be used")]
    [InlineData("config.json", "{}", "d_model")]
    public async Task Import_BadFolder_NamesTheProblemAndInstallsNothing(string file, string? content, string problem)
    {
        var source = Path.Combine(command.Folder, "bad");
        TinyModel.CopyTo(source);
        if (content is null) File.Delete(Path.Combine(source, file));
        else File.WriteAllText(Path.Combine(source, file), content);
        var imported = await command.Of("models", "import", source);
        Assert.Equal(1, imported.Code);
        Assert.Contains(problem, imported.Notices, StringComparison.Ordinal);
        Assert.Empty((await command.Of("models", "list", "--json")).Json["models"]!.AsArray());
    }
}
