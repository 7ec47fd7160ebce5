using RsrNet.Server.Tests.Models;

namespace RsrNet.Server.Tests.Cli;

public sealed class EmbedCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Json_HasEncoderDimensionsAndOneItemForEachText()
    {
        var outcome = await command.Of("embed", "Rain in the north", "@home tonight", "--json");
        Assert.Equal(0, outcome.Code);
        var json = outcome.Json;
        Assert.Equal("hashed-768-1", json["encoder"]!.GetValue<string>());
        Assert.Equal(768, json["dimensions"]!.GetValue<int>());
        var items = json["items"]!.AsArray();
        Assert.Equal(["Rain in the north", "@home tonight"], items.Select(item => item!["text"]!.GetValue<string>()));
        var embedding = items[0]!["embedding"]!.AsArray().Select(element => element!.GetValue<double>()).ToArray();
        Assert.Equal(768, embedding.Length);
        Assert.Equal(1.0, embedding.Sum(element => element * element), 5);
    }

    [Fact]
    public async Task File_GivesTheSameVectorsAsArguments()
    {
        var path = command.Write("texts.txt", "Rain in the north\n\nSnow in the south\n");
        var fromFile = await command.Of("embed", "--file", path, "--json");
        var fromArguments = await command.Of("embed", "Rain in the north", "Snow in the south", "--json");
        Assert.Equal(fromArguments.Results, fromFile.Results);
    }

    [Fact]
    public async Task StandardInput_IsRead()
    {
        command.Input = "Rain in the north\n";
        var outcome = await command.Of("embed", "--file", "-", "--json");
        Assert.Equal("Rain in the north", outcome.Json["items"]![0]!["text"]!.GetValue<string>());
    }

    [Fact]
    public async Task ModelFolder_GivesItsVectorsAndCountsTokens()
    {
        var outcome = await command.Of("embed", "a", "", "--encoder", TinyModel.Folder, "--json");
        Assert.True(outcome.Code == 0, outcome.Notices);
        Assert.StartsWith("bart-16-", outcome.Json["encoder"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal([3, 2], outcome.Json["items"]!.AsArray().Select(item => item!["tokens"]!.GetValue<int>()));
        Assert.Equal(16, outcome.Json["items"]![0]!["embedding"]!.AsArray().Count);
    }

    [Fact]
    public async Task ModelThatIsNotThere_ExitsWithOneAndSaysHowToGetIt()
    {
        var outcome = await command.Of("embed", "a", "--encoder", "bart-base");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("rsrnet models pull facebook/bart-base", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingFile_ExitsWithOne()
    {
        var outcome = await command.Of("embed", "--file", Path.Combine(command.Folder, "nothing.txt"));
        Assert.Equal(1, outcome.Code);
        Assert.Contains("nothing.txt", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FileThatIsNotUtf8_ExitsWithOneAndNamesTheLine()
    {
        var path = Path.Combine(command.Folder, "latin.txt");
        await File.WriteAllBytesAsync(
            path, [(byte)'a', (byte)'\n', (byte)'c', (byte)'a', (byte)'f', 0xE9, (byte)'\n'], TestContext.Current.CancellationToken);
        var outcome = await command.Of("embed", "--file", path);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("UTF-8", outcome.Notices, StringComparison.Ordinal);
    }
}
