using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

public sealed class ArticleReadingsTests
{
    /// <summary>Articles of other lengths, read with other means before, leave nothing behind in the memory that is used again.</summary>
    [Fact]
    public void ReadAfterOtherWeights_EqualsWhatIsReadAtFirst()
    {
        var (before, now) = (TinyNews.Weights(), TinyNews.Weights());
        new ResidualStatistics(before).MeanSentence.Fill(0.1f);
        var articles = TinyNews.Articles();
        var used = new ArticleReadings(TinyNews.Shape);
        used.Load(before);
        foreach (var article in Enumerable.Reverse(articles)) used.Of(article.Sentences, article.X);
        used.Load(now);
        var fresh = new ArticleReadings(TinyNews.Shape);
        fresh.Load(now);
        Assert.True(articles.Select(article => article.Sentences.Count).Distinct().Count() > 1);
        foreach (var article in articles)
        {
            var (expected, actual) = (fresh.Of(article.Sentences, article.X), used.Of(article.Sentences, article.X));
            Assert.Equal(expected.Reading.Products.ToArray(), actual.Reading.Products.ToArray());
            Assert.Equal(expected.Reading.Features.ToArray(), actual.Reading.Features.ToArray());
            Assert.Equal(expected.Reading.Weightings.ToArray(), actual.Reading.Weightings.ToArray());
            Assert.Equal(expected.Reading.Anchor.ToArray(), actual.Reading.Anchor.ToArray());
            Assert.Equal(expected.Reading.Lead.ToArray(), actual.Reading.Lead.ToArray());
            Assert.Equal(expected.Start.U, actual.Start.U);
            Assert.Equal(expected.Start.Y.ToArray(), actual.Start.Y.ToArray());
            Assert.Equal(expected.Start.Products, actual.Start.Products);
        }
    }

    /// <summary>What is still being read is not written over, however many articles are read with the same weights.</summary>
    [Fact]
    public void ReadingsOfTheSameWeights_KeepTheirMemory()
    {
        var readings = new ArticleReadings(TinyNews.Shape);
        readings.Load(TinyNews.Weights());
        var first = TinyNews.Articles()[0];
        var (reading, start) = readings.Of(first.Sentences, first.X);
        var (products, y) = (reading.Products.ToArray(), start.Y.ToArray());
        for (var round = 0; round < 600; round++)
        {
            var other = TinyNews.Articles()[1];
            readings.Of(other.Sentences, other.X);
        }
        Assert.Equal(products, reading.Products.ToArray());
        Assert.Equal(y, start.Y.ToArray());
    }
}
