using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding;
using RsrNet.Core.Evaluation.Experiments;

namespace RsrNet.Core.Tests.Evaluation.Experiments;

/// <summary>The notebooks' experiments, small: that they run, learn, and keep taught and judged apart.</summary>
public sealed class ExperimentTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1, "one")]
    [InlineData(18, "eighteen")]
    [InlineData(40, "forty")]
    [InlineData(105, "one hundred five")]
    [InlineData(7010, "seven thousand ten")]
    [InlineData(9999, "nine thousand nine hundred ninety nine")]
    public void Of_Number_IsItsWords(int number, string words) => Assert.Equal(words, NumberWords.Of(number));

    [Fact]
    public void Text_OfAllNumbers_HasTheNotebooksLength()
    {
        var words = NumberWords.Text.Split(' ');
        Assert.Equal(63_098, words.Length);
        Assert.Equal(30, words.Distinct().Count());
    }

    [Fact]
    public void HumanNumbers_Stage1And2_AreTheSameModel()
    {
        var one = new HumanNumbers(_ => { }, length: 3_000);
        var two = new HumanNumbers(_ => { }, length: 3_000);
        var unrolled = one.ThreeWords("stage 1", epochs: 3, rate: 5e-3, decay: 0.1, unrolled: true);
        var loop = two.ThreeWords("stage 2", epochs: 3, rate: 5e-3, decay: 0.1, unrolled: false);
        Assert.Equal(3, loop.Count);
        Assert.Equal(unrolled[0], loop[0], 0.03);
    }

    [Fact]
    public void HumanNumbers_ShortText_IsLearned()
    {
        var numbers = new HumanNumbers(_ => { }, length: 12_000);
        var every = numbers.Stateful("stage 4", epochs: 12, rate: 1e-2, decay: 0.01, window: 8, every: true);
        Assert.True(every[^1] > every[0] && every[^1] > 0.25, string.Join(' ', every));
        var lstm = numbers.Lstm(epochs: 4, rate: 1e-2, decay: 0.01);
        Assert.True(lstm[^1] > 0.2, string.Join(' ', lstm));
    }

    [Fact]
    public void CharacterModel_FewTexts_AgreesWithTheHandWrittenLayer()
    {
        var texts = Enumerable.Range(0, 40).Select(i => $"we propose a method to learn number {i} and show that it works well").ToList();
        var report = CharacterModel.Run(texts, _ => { }, batches: 10, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(20, report.Curves[0].Values.Count);
        Assert.True(report.Curves[0].Values[^1] < report.Curves[0].Values[0] - 0.5);
        Assert.Equal(true, report.Figures.Single(figure => figure.What.Contains("hand-written", StringComparison.Ordinal)).Met);
    }

    [Fact]
    public void TextClasses_SeparableTexts_AreTold()
    {
        var texts = Enumerable.Range(0, 200)
            .Select(i => i % 2 == 0 ? new LabelledText($"the team won match {i}", "sport") : new LabelledText($"the bank lost money {i}", "money")).ToList();
        var report = TextClasses.FakeNews(texts, _ => { }, epochShare: 0.3, cancellation: TestContext.Current.CancellationToken);
        var mean = report.Figures.Single(figure => figure.What == "mean of embeddings: accuracy");
        Assert.True(mean.Ours > 0.9, $"{mean.Ours}");
        Assert.Equal(true, mean.Met);
        var low = report.Figures[report.Figures.ToList().IndexOf(mean) + 1];
        Assert.InRange(low.Ours, 0.5, mean.Ours);

        Assert.Equal(2, report.Maps.Count);
        Assert.All(report.Maps, map => Assert.Equal(40, map.Places.Count));
        Assert.NotEqual(report.Maps[0].Places, report.Maps[1].Places);
        var picture = LinePlot.Draw(report);
        Assert.Contains("after training", picture, StringComparison.Ordinal);
        Assert.Equal(2 * 40 + 2, picture.Split("<circle").Length - 1);
    }

    [Fact]
    public void TextClasses_Inner_LeavesTheJudgesAlone()
    {
        var texts = Enumerable.Range(0, 100).Select(i => new LabelledText($"text {i}", i % 2 == 0 ? "even" : "odd")).ToList();
        var report = TextClasses.AgNews(texts, _ => { }, epochShare: 0.1, inner: true, cancellation: TestContext.Current.CancellationToken);
        // 90 teach and 10 judge; of the 90 the last fifth.
        Assert.Equal("72 texts taught, 18 judged", report.Notes[0]);
    }

    [Fact]
    public void Readers_FilesOfTheWrongForm_SayWhere()
    {
        File.WriteAllText(folder.File("news.csv"), "3,\"Stocks, up\",\"A \"\"big\"\" day\"\n1,War,Peace\n");
        Assert.Equal(
            [new LabelledText("Stocks, up A \"big\" day", "Business"), new LabelledText("War Peace", "World")], TextClasses.ReadAgNews(folder.File("news.csv")));
        File.WriteAllText(folder.File("news.csv"), "7,a,b\n");
        Assert.Contains("class (1 to 4)", Assert.Throws<InvalidDataException>(() => TextClasses.ReadAgNews(folder.File("news.csv"))).Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File("x.jsonl"), "{\"title\": \"no abstract\"}\n");
        Assert.Contains("line 1", Assert.Throws<InvalidDataException>(() => CharacterModel.ReadAbstracts(folder.File("x.jsonl"))).Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File("open.csv"), "a,\"b\n");
        Assert.Contains("row 1", Assert.Throws<InvalidDataException>(() => CsvTable.Read(folder.File("open.csv"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RecursionNotebook_FewArticles_LosesLoss()
    {
        var articles = Enumerable.Range(0, 30).Select(i => new Article($"a{i}", $"Story {i} about the town. It has a second sentence.") { Highlights = [$"Story {i}."] }).ToList();
        var report = RecursionNotebook.Run(articles, new HashedEncoder(), _ => { }, epochs: 2, cancellation: TestContext.Current.CancellationToken);
        Assert.True(report.Curves[0].Values[1] < report.Curves[0].Values[0]);
        var picture = LinePlot.Draw(report);
        Assert.Contains("<polyline", picture, StringComparison.Ordinal);
        Assert.Contains("held-out cosine", picture, StringComparison.Ordinal);
    }
}
