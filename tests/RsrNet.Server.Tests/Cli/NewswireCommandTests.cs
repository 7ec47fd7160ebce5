using System.Text;
using RsrNet.Core.Articles;

namespace RsrNet.Server.Tests.Cli;

public sealed class NewswireCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Lines_AreTheWiresArticles()
    {
        var outcome = await command.Of("newswire", "--count", "30", "--seed", "5", "--from", "7");
        Assert.Equal(0, outcome.Code);
        var lines = outcome.Results.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(30, lines.Length);
        var wire = new DemoNewswire(5);
        for (var i = 0; i < lines.Length; i++)
        {
            // What is printed reads back as the very same article: nothing is lost on the way through JSON.
            var reading = ArticleJson.Read(Encoding.UTF8.GetBytes(lines[i]), new ArticleLimits());
            Assert.True(reading.IsAccepted, reading.Error);
            Assert.Equal(wire.At(7 + i).ContentHash(), reading.Article.ContentHash());
            Assert.Equal(wire.At(7 + i).Id, reading.Article.Id);
        }
    }

    [Fact]
    public async Task Drift_ChangesTheArticlesBehindIt()
    {
        var steady = await command.Of("newswire", "--count", "40");
        var drifting = await command.Of("newswire", "--count", "40", "--drift", "20");
        var (before, after) = (steady.Results.Split('\n'), drifting.Results.Split('\n'));
        Assert.Equal(before[..20], after[..20]);
        Assert.NotEqual(before[20..], after[20..]);
    }

    [Theory]
    [InlineData("--count", "-1")]
    [InlineData("--seed", "x")]
    [InlineData("--drift", "-2")]
    public async Task WrongNumber_ExitsWithTwo(string option, string value)
    {
        var outcome = await command.Of("newswire", option, value);
        Assert.Equal(2, outcome.Code);
    }
}
