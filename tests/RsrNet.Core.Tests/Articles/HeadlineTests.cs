using RsrNet.Core.Articles;

namespace RsrNet.Core.Tests.Articles;

public sealed class HeadlineTests
{
    [Fact]
    public void WithTitle_IsTheTitle() => Assert.Equal("T", new Article("a", "text") { Title = "T" }.Headline);

    [Fact]
    public void WithoutTitle_IsTheFirstLine() => Assert.Equal("First line.", new Article("a", "\n First line. \nSecond.").Headline);

    [Fact]
    public void LongFirstLine_EndsAtAWord()
    {
        var headline = new Article("a", string.Join(' ', Enumerable.Repeat("word", 50))).Headline;
        Assert.True(headline.Length <= 100);
        Assert.EndsWith("word\u2026", headline, StringComparison.Ordinal);
    }

    [Fact]
    public void LongLineOfPairs_IsNotCutInsideOne()
    {
        var headline = new Article("a", "x" + string.Concat(Enumerable.Repeat("\U0001F30D", 80))).Headline;
        Assert.True(headline.Length <= 100);
        Assert.False(char.IsHighSurrogate(headline[^2]));
    }
}
