using System.Text.Json.Nodes;

namespace RsrNet.Server.Tests.Cli;

public sealed class EvaluateCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Json_HasTheFigures_AndTheBaselinesBesideThem()
    {
        var plot = Path.Combine(command.Folder, "curve.svg");
        var outcome = await command.Of("evaluate", "--train", await Newswire(40), "--hold-out", "10", "--batch", "8", "--plot", plot, "--json");
        Assert.Equal(0, outcome.Code);
        var report = outcome.Json;
        Assert.InRange(report["documents"]!.GetValue<int>(), 20, 40);
        Assert.InRange(Number("prequential", "similarity"), 0.1, 1);
        var held = report["heldOut"]!;
        foreach (var name in (string[])["copy", "mean", "ridge"])
        {
            Assert.True(Number("prequential", "baselines", name, "mse") > 0);
            Assert.InRange(Number("heldOut", "baselines", name, "retrieval", "mrr"), 0.01, 1);
        }
        foreach (var name in (string[])["ours", "lead3", "centroid", "random", "oracle"])
        {
            foreach (var kind in (string[])["r1", "r2", "rlsum"]) Assert.InRange(Number("heldOut", "rouge", name, kind), 0, 1);
        }
        Assert.InRange(Number("heldOut", "retrieval", "recall1"), 0, 1);
        Assert.InRange(Number("heldOut", "retrieval", "recall10"), 0.1, 1);
        Assert.NotEmpty(held["residualByStep"]!.AsArray());
        Assert.InRange(Number("heldOut", "confidence", "auroc"), 0, 1);
        Assert.True(Number("seconds", "train") > 0);
        Assert.StartsWith("<svg", await File.ReadAllTextAsync(plot, TestContext.Current.CancellationToken), StringComparison.Ordinal);

        double Number(params string[] path) => path.Aggregate<string, JsonNode>(report, (node, name) => node[name]!).GetValue<double>();
    }

    [Fact]
    public async Task Table_NamesModeAndBaselines()
    {
        var file = await Newswire(16);
        var outcome = await command.Of("evaluate", "--train", file, "--test", file, "--mode", "notebook", "--batch", "4");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("mode notebook", outcome.Results, StringComparison.Ordinal);
        Assert.Contains("ridge", outcome.Results, StringComparison.Ordinal);
        Assert.Contains("that are among the training articles", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folds_JudgeEveryArticle_InAnyOrder()
    {
        var file = await Newswire(20);
        var plain = await command.Of("evaluate", "--train", file, "--folds", "4", "--batch", "4", "--json");
        var shuffled = await command.Of("evaluate", "--train", file, "--folds", "4", "--shuffle", "2", "--batch", "4", "--json");
        Assert.Equal(4, plain.Json["folds"]!.GetValue<int>());
        Assert.Equal(plain.Json["documents"]!.GetValue<int>(), plain.Json["counts"]!["test"]!.GetValue<int>());
        Assert.Equal(plain.Json["documents"]!.GetValue<int>(), plain.Json["heldOut"]!["readouts"]!.AsObject().Sum(pair => pair.Value!.GetValue<int>()));
        Assert.NotEqual(plain.Json["heldOut"]!["similarity"]!.GetValue<double>(), shuffled.Json["heldOut"]!["similarity"]!.GetValue<double>());
        Assert.Contains("in 4 parts", (await command.Of("evaluate", "--train", file, "--folds", "4", "--batch", "4")).Results, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "--hold-out", "90")]
    [InlineData(2, "--mode", "telepathy")]
    [InlineData(2, "--batch", "1")]
    [InlineData(2, "--folds", "1")]
    [InlineData(1, "--folds", "90")]
    public async Task WrongOption_SaysWhy(int code, string option, string value)
    {
        var outcome = await command.Of("evaluate", "--train", await Newswire(12), option, value);
        Assert.Equal(code, outcome.Code);
        Assert.Contains(option, outcome.Notices, StringComparison.Ordinal);
    }

    private async Task<string> Newswire(int count)
    {
        var wire = await command.Of("newswire", "--count", $"{count}");
        return command.Write("wire.jsonl", wire.Results);
    }
}
