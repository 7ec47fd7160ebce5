using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Tests.Articles;

/// <summary>Real news, where its folder stands beside the repository.</summary>
public class NewsDataTests
{
    [Fact]
    public async Task CnnDailyMail_IsReadWhole()
    {
        var articles = new List<Article>();
        await foreach (var item in ArticleFiles.Read([Folder()], new ArticleLimits(), cancellation: TestContext.Current.CancellationToken))
        {
            Assert.Equal("", item.Reading.Error);
            articles.Add(item.Reading.Article!);
        }
        Assert.Equal(706, articles.Count);
        Assert.All(articles, article => Assert.True(article.HasHighlights));
        // Lead-3 of a good splitter; a bad one cuts at abbreviations or joins sentences and falls below.
        var lead = articles.Average(article => Rouge.Of([.. Sentences.Of(article.Text).Take(3)], article.Highlights).R1.F1);
        Assert.InRange(100 * lead, 26, 29);
    }

    private static string Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "RsrNet.Orleans.sln"))) continue;
            var data = Path.Combine(folder.FullName, "..", "shared", "data", "cnn_dailymail");
            if (!Directory.Exists(data)) Assert.Skip("the data folder is absent: ../shared/data/cnn_dailymail");
            return data;
        }
        throw new InvalidOperationException("the tests do not run inside the repository");
    }
}
