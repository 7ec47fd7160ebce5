using RsrNet.Core.Articles;

namespace RsrNet.Core.Tests.Articles;

public class DemoNewswireTests
{
    private static readonly List<Article> Early = [.. new DemoNewswire(1).From().Take(600)];

    [Fact]
    public void Articles_PassTheChecksOfEveryWayIn()
    {
        foreach (var article in Early.Concat(new DemoNewswire(2, driftAfter: 0).From().Take(600)))
        {
            var reading = new ArticleDraft
            {
                Id = article.Id, Title = article.Title, Text = article.Text, Highlights = article.Highlights, Labels = article.Labels, PublishedAt = article.PublishedAt,
            }.Check(new ArticleLimits());
            Assert.Equal("", reading.Error);
            Assert.Equal(article.ContentHash(), reading.Article!.ContentHash());
            Assert.DoesNotContain(article.Text + article.Title + string.Concat(article.Highlights), unit => unit is '{' or '}' or '[' or ']' or '|');
        }
    }

    [Fact]
    public void Articles_HaveSixToFourteenSentencesAndTwoOrThreeHighlights()
    {
        Assert.All(Early, article => Assert.InRange(Sentences.Of(article.Text).Count, 6, 14));
        Assert.All(Early.Where(article => article.HasHighlights), article => Assert.InRange(article.Highlights.Count, 2, 3));
        Assert.InRange(Early.Count(article => !article.HasHighlights), 80, 160);
    }

    [Fact]
    public void Articles_DifferInIdContentAndTopic()
    {
        Assert.Equal(600, Early.Select(article => article.Id).Distinct().Count());
        Assert.Equal(600, Early.Select(article => article.Text).Distinct().Count());
        Assert.True(Early.Select(article => article.Labels["topic"]).Distinct().Count() >= 6);
        Assert.Equal(Early.OrderBy(article => article.PublishedAt).Select(article => article.Id), Early.Select(article => article.Id));
    }

    [Fact]
    public void SameSeedAndIndex_GiveTheSameArticle()
    {
        Assert.Equal(Early[17].ContentHash(), new DemoNewswire(1).At(17).ContentHash());
        Assert.Equal(Early.Skip(30).Take(5).Select(article => article.Text), new DemoNewswire(1).From(30).Take(5).Select(article => article.Text));
        Assert.NotEqual(Early[17].Text, new DemoNewswire(2).At(17).Text);
    }

    [Fact]
    public void Drift_ChangesTopicsAndNames()
    {
        var drifting = new DemoNewswire(1, driftAfter: 300);
        Assert.Equal(Early[299].ContentHash(), drifting.At(299).ContentHash());
        List<Article> late = [.. drifting.From(300).Take(300)];
        Assert.DoesNotContain(Early, article => article.Labels["topic"] is "energy" or "space");
        Assert.InRange(late.Count(article => article.Labels["topic"] is "energy" or "space"), 90, 200);
        Assert.True(
            late.Count(article => article.Text.Contains("Osaka", StringComparison.Ordinal))
            > 3 * Early.Take(300).Count(article => article.Text.Contains("Osaka", StringComparison.Ordinal)));
    }

    [Fact]
    public void FactsStandMostlyAtTheTop_ButNotAlways()
    {
        var first = Early.Count(article => article.HasHighlights && SharesMost(article.Highlights[0], Sentences.Of(article.Text)) == 0);
        var labelled = Early.Count(article => article.HasHighlights);
        Assert.InRange((double)first / labelled, 0.5, 0.9);
    }

    /// <summary>Each slot of each template must resolve, and only what is chosen at random may differ: 3,000 articles reach every line of the templates.</summary>
    [Fact]
    public void EveryTemplate_CanBeWritten()
    {
        var wire = new DemoNewswire(4, driftAfter: 1500);
        Assert.Equal(DemoNewswire.Topics.Order(), wire.From().Take(3000).Select(article => article.Labels["topic"]).Distinct().Order());
    }

    // Index of the sentence with the most words of a highlight.
    private static int SharesMost(string highlight, IReadOnlyList<string> sentences)
    {
        var words = highlight.Split(' ');
        return Enumerable.Range(0, sentences.Count).MaxBy(i => words.Count(word => sentences[i].Contains(word, StringComparison.OrdinalIgnoreCase)));
    }
}
