using RsrNet.Cli;
using RsrNet.Core.Replicas;
using RsrNet.Server.Tests.Cli;
using RsrNet.Torch.Replicas;

namespace RsrNet.Torch.Tests.Cli;

/// <summary>The commands as the full edition's executable has them.</summary>
public sealed class EditionTests : IDisposable
{
    private readonly CommandRun command = new() { Edition = new Edition { Engines = EngineCatalog.OfCore().AddTorch() } };

    public void Dispose() => command.Dispose();

    private static string Run => Path.Combine(AppContext.BaseDirectory, "Golden", "run-12-8-4.safetensors");

    [Theory]
    [InlineData("torch")]
    [InlineData("torch-cpu")]
    [InlineData("cpu")]
    public async Task Verify_WithAnEngine_Passes(string engine)
    {
        var outcome = await command.Of("verify", Run, "--engine", engine, "--json");
        Assert.Equal(0, outcome.Code);
        Assert.True(outcome.Json["passed"]!.GetValue<bool>());
        Assert.InRange(outcome.Json["worst"]!["loss"]!.GetValue<double>(), 0, 1e-4);
    }

    [Fact]
    public async Task Verify_OnAGpuThatIsNotThere_SaysWhatIsMissing()
    {
        if (TorchDevice.ProblemOfCuda() is null) Assert.Skip("this machine has a CUDA device");
        var outcome = await command.Of("verify", Run, "--engine", "cuda");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("the engine 'cuda' cannot run here", outcome.Notices, StringComparison.Ordinal);
        Assert.Contains("-p:TorchDevice=cuda", outcome.Notices, StringComparison.Ordinal);
    }

    /// <summary>
    /// One batch: what is foretold before it is learned is the same; the losses of its three steps stay together as far as Adam lets them,
    /// whose first step makes the smallest gradients, rounding and all, as large as the largest.
    /// </summary>
    [Fact]
    public async Task Train_OnLibtorch_LearnsWhatTheProcessorsEngineLearns()
    {
        var file = command.Write("articles.jsonl", (await command.Of("newswire", "--count", "25", "--seed", "5")).Results);
        var ours = await Train("cpu");
        var libtorchs = await Train("torch-cpu");
        Assert.Equal(ours.Similarity, libtorchs.Similarity, 1e-6);
        Assert.Equal(ours.Loss, libtorchs.Loss, 1e-2 * ours.Loss);

        async Task<(double Loss, double Similarity)> Train(string engine)
        {
            var outcome = await command.Of("train", file, "--epochs", "1", "--batch", "20", "--engine", engine, "--json");
            Assert.Equal(0, outcome.Code);
            var epoch = outcome.JsonLines[0];
            return (epoch["loss"]!.GetValue<double>(), epoch["similarity"]!.GetValue<double>());
        }
    }

    [Fact]
    public async Task Reproduce_OnLibtorch_ToldTheClassesApart()
    {
        var folder = Path.GetDirectoryName(Path.GetDirectoryName(command.Write("fakenewsnet/politifact_fake.csv", Headlines("Shocking aliens stole the vote")))!)!;
        command.Write("fakenewsnet/politifact_real.csv", Headlines("The council passed the budget"));
        var outcome = await command.Of(
            "reproduce", "fake-news", "--data", folder, "--engine", "torch-cpu", "--plot", Path.Combine(command.Folder, "plot.svg"), "--json");
        Assert.Equal(0, outcome.Code);
        Assert.Equal("torch-cpu", (string)outcome.Json["engine"]!);
        var lstm = outcome.Json["figures"]!.AsArray().Single(figure => (string)figure!["what"]! == "LSTM, mean over time: accuracy")!;
        Assert.True((double)lstm["ours"]! > 0.8);
    }

    private static string Headlines(string title) => "id,news_url,title\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"p{i},x.org,\"{title}, part {i}\"\n"));
}
