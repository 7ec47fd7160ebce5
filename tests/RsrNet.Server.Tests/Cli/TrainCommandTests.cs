using RsrNet.Core.Weights;

namespace RsrNet.Server.Tests.Cli;

public sealed class TrainCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Json_HasALineForEachEpoch_AndTheLossFalls()
    {
        var outcome = await command.Of("train", await Newswire(20), "--epochs", "3", "--batch", "8", "--learning", "notebook", "--json");
        Assert.Equal(0, outcome.Code);
        var lines = outcome.JsonLines;
        Assert.Equal(4, lines.Count);
        var documents = lines[0]["documents"]!.GetValue<int>();
        Assert.InRange(documents, 8, 19);
        Assert.Contains($"left out {20 - documents} articles without highlights", outcome.Notices, StringComparison.Ordinal);
        for (var epoch = 1; epoch <= 3; epoch++)
        {
            Assert.Equal(epoch, lines[epoch - 1]["epoch"]!.GetValue<int>());
            Assert.InRange(lines[epoch - 1]["similarity"]!.GetValue<double>(), -1, 1);
            Assert.True(lines[epoch - 1]["seconds"]!.GetValue<double>() > 0);
        }
        Assert.True(lines[2]["loss"]!.GetValue<double>() < lines[0]["loss"]!.GetValue<double>());
        Assert.True(lines[3]["done"]!.GetValue<bool>());
        Assert.Equal(3 * 3 * (int)Math.Ceiling(documents / 8.0), lines[3]["weightVersion"]!.GetValue<int>());
        Assert.Contains("epoch 3/3  batch", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SameSeed_GivesTheSameLosses()
    {
        var file = await Newswire(12);
        static string[] Losses(CommandOutcome outcome) => [.. outcome.JsonLines.Take(2).Select(line => line["loss"]!.ToJsonString())];
        var first = Losses(await command.Of("train", file, "--epochs", "2", "--seed", "7", "--json"));
        Assert.Equal(first, Losses(await command.Of("train", file, "--epochs", "2", "--seed", "7", "--json")));
        Assert.NotEqual(first, Losses(await command.Of("train", file, "--epochs", "2", "--seed", "8", "--json")));
    }

    [Fact]
    public async Task Checkpoints_AreKept_AndTrainingGoesOnFromThem()
    {
        var file = await Newswire(12);
        var folder = Path.Combine(command.Folder, "checkpoints");
        var first = await command.Of("train", file, "--epochs", "1", "--learning", "notebook", "--checkpoint-dir", folder, "--json");
        Assert.Equal(3, first.JsonLines[^1]["weightVersion"]!.GetValue<int>());
        var second = await command.Of("train", file, "--epochs", "1", "--learning", "notebook", "--checkpoint-dir", folder, "--json");
        Assert.Equal(6, second.JsonLines[^1]["weightVersion"]!.GetValue<int>());
        Assert.True(second.JsonLines[0]["loss"]!.GetValue<double>() < first.JsonLines[0]["loss"]!.GetValue<double>());
    }

    [Fact]
    public async Task Save_WritesAStateDict()
    {
        var path = Path.Combine(command.Folder, "weights.safetensors");
        var outcome = await command.Of("train", await Newswire(12), "--epochs", "1", "--learning", "notebook", "--save", path);
        Assert.Equal(0, outcome.Code);
        using var reader = SafetensorsReader.Open(path);
        Assert.Equal([128L, 1600L], StateDict.Read(reader).Layout.Parameters[0].Shape);
    }

    [Fact]
    public async Task Residual_IsTheDefault_AndSavesAllOfAVersion()
    {
        var path = Path.Combine(command.Folder, "weights.safetensors");
        var outcome = await command.Of("train", await Newswire(40), "--epochs", "2", "--save", path, "--json");
        Assert.Equal(0, outcome.Code);
        var lines = outcome.JsonLines;
        Assert.True(lines[1]["loss"]!.GetValue<double>() < lines[0]["loss"]!.GetValue<double>());
        Assert.True(lines[1]["similarity"]!.GetValue<double>() > lines[0]["similarity"]!.GetValue<double>());
        var checkpoint = CheckpointFile.Read(path);
        Assert.Equal("residual", checkpoint.Mode);
        Assert.NotNull(checkpoint.Residual);
        Assert.Equal(lines[2]["weightVersion"]!.GetValue<long>(), checkpoint.Version);
    }

    [Fact]
    public async Task UnknownLearning_ExitsWithTwo()
    {
        var outcome = await command.Of("train", await Newswire(3), "--learning", "magic");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("--learning: there is no 'magic'", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneArticle_ExitsWithOne()
    {
        var file = command.Write("one.jsonl", "{\"text\":\"It rained in the north.\",\"highlights\":[\"Rain\"]}\n");
        var outcome = await command.Of("train", file);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("at least two articles", outcome.Notices, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--epochs", "0")]
    [InlineData("--batch", "1")]
    public async Task WrongNumber_ExitsWithTwo(string option, string value)
    {
        var outcome = await command.Of("train", "any.jsonl", option, value);
        Assert.Equal(2, outcome.Code);
        Assert.Contains(option, outcome.Notices, StringComparison.Ordinal);
    }

    private async Task<string> Newswire(int count)
    {
        var wire = await command.Of("newswire", "--count", $"{count}");
        return command.Write("wire.jsonl", wire.Results);
    }
}
