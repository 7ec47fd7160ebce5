using RsrNet.Core.Articles;

namespace RsrNet.Core.Tests.Articles;

public class ArticleDraftTests
{
    [Fact]
    public void GoodFields_AreTidied()
    {
        var article = new ArticleDraft { Id = "a", Title = "  ", Text = "\uFEFFone\r\ntwo", Highlights = [" one\r\n"] }.Check(new ArticleLimits()).Article;
        Assert.NotNull(article);
        Assert.Null(article.Title);
        Assert.Equal("one\ntwo", article.Text);
        Assert.Equal(["one"], article.Highlights);
    }

    [Fact]
    public void HalfASurrogatePair_IsAProblemOfItsField()
    {
        var reading = new ArticleDraft { Text = "good 😀 text", Title = "bad \uD83D title" }.Check(new ArticleLimits());
        Assert.Equal("title", Assert.Single(reading.Problems).Field);
        Assert.Contains("position 4", reading.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Rejected_WithoutAReason_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => ArticleReading.Rejected());
    }

    [Theory]
    [InlineData("2026-08-01T09:30:00Z", "2026-08-01T09:30:00.0000000Z")]
    [InlineData("2026-08-01t09:30:00.1234567899z", "2026-08-01T09:30:00.1234567Z")]
    [InlineData("2024-02-29T23:59:60-00:30", "2024-03-01T00:30:00.0000000Z")]
    [InlineData("2026-01-01T00:15:00+05:45", "2025-12-31T18:30:00.0000000Z")]
    public void GoodTimestamp_IsReadAsUtc(string text, string expected)
    {
        Assert.True(Timestamp.TryParse(text, out var moment));
        Assert.Equal(expected, moment.UtcDateTime.ToString("O"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-08-01")]
    [InlineData("2026-08-01T09:30:00")]
    [InlineData("2026-08-01 09:30:00Z")]
    [InlineData("2026-8-1T09:30:00Z00000")]
    [InlineData("2025-02-29T09:30:00Z")]
    [InlineData("2026-13-01T09:30:00Z")]
    [InlineData("2026-08-01T24:00:00Z")]
    [InlineData("2026-08-01T09:30:00.Z")]
    [InlineData("2026-08-01T09:30:00+0200")]
    [InlineData("2026-08-01T09:30:00+02:60")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("0001-01-01T00:00:00+01:00")]
    [InlineData("2026-08-01T09:30:00Zx")]
    [InlineData("+026-08-01T09:30:00Z")]
    public void BadTimestamp_IsRefused(string text)
    {
        Assert.False(Timestamp.TryParse(text, out _));
    }
}
