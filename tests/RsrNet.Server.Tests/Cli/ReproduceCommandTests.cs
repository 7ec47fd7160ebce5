namespace RsrNet.Server.Tests.Cli;

public sealed class ReproduceCommandTests : IDisposable
{
    private readonly CommandRun run = new();

    public void Dispose() => run.Dispose();

    [Fact]
    public async Task FakeNews_OwnHeadlines_GivesFiguresAndAPlot()
    {
        var folder = Path.GetDirectoryName(run.Write("fakenewsnet/politifact_fake.csv", Csv("Shocking aliens stole the vote")))!;
        run.Write("fakenewsnet/politifact_real.csv", Csv("The council passed the budget"));
        var plot = Path.Combine(run.Folder, "plot.svg");

        var outcome = await run.Of("reproduce", "fake-news", "--data", Path.GetDirectoryName(folder)!, "--plot", plot, "--json");

        Assert.Equal(0, outcome.Code);
        Assert.Equal("fake-news", (string)outcome.Json["name"]!);
        Assert.Equal("cpu", (string)outcome.Json["engine"]!);
        Assert.Equal(plot, (string)outcome.Json["plot"]!);
        var mean = outcome.Json["figures"]!.AsArray().Single(figure => (string)figure!["what"]! == "mean of embeddings: accuracy")!;
        Assert.True((double)mean["ours"]! > 0.8);
        Assert.True((bool)mean["met"]!);
        Assert.StartsWith("<svg", await File.ReadAllTextAsync(plot, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Experiment_WithoutItsData_NamesTheFile()
    {
        var outcome = await run.Of("reproduce", "ag-news", "--data", run.Folder);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("articles.csv", outcome.Notices, StringComparison.Ordinal);
        Assert.Contains("--data", outcome.Notices, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "steam", "--engine: there is no engine 'steam'")]
    [InlineData(2, "torch-cpu", "it comes with the full edition")]
    [InlineData(1, "reference", "the engine 'reference' does not run text models; cpu and auto do")]
    public async Task Experiment_OnAnEngineThatIsNotThere_SaysSo(int code, string engine, string message)
    {
        var outcome = await run.Of("reproduce", "human-numbers", "--engine", engine);
        Assert.Equal(code, outcome.Code);
        Assert.Contains(message, outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Experiment_Unknown_NamesThoseThereAre()
    {
        var outcome = await run.Of("reproduce", "everything");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("human-numbers, char-lm, fake-news, ag-news, rsr-net", outcome.Notices, StringComparison.Ordinal);
    }

    private static string Csv(string title) => "id,news_url,title\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"p{i},x.org,\"{title}, part {i}\"\n"));
}
