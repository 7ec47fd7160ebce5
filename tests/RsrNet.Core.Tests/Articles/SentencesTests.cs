using System.Text;
using RsrNet.Core.Articles;

namespace RsrNet.Core.Tests.Articles;

public class SentencesTests
{
    /// <summary>Each text has a bar where it is to be cut; the bar and the blanks around it are not part of the text.</summary>
    [Theory]
    [InlineData("The cat sat.| It purred.")]
    [InlineData("Mr. Smith met Dr. Jones on Jan. 5 at 3 p.m. in Washington.| They talked.")]
    [InlineData("He lives in the U.S. with his wife.| She does not.")]
    [InlineData("He came from the U.S.| The trip was long.")]
    [InlineData("The U.S. Senate voted.| It failed.")]
    [InlineData("Gen. J. R. Hackett and George W. Bush spoke.| Nobody listened.")]
    [InlineData("It rose 3.5 percent to $1.2 million.| Shares fell.")]
    [InlineData("It is No. 1 in the world.| Nobody said no.| Everybody came.")]
    [InlineData("\"We won.\"| \"We did,\" she said.")]
    [InlineData("\"Why?\" he asked.| \"Because!\" she cried.| He left.")]
    [InlineData("She said: “It is over.”| Then she left.")]
    [InlineData("(This is an aside.)| This is not.")]
    [InlineData("Wait ... there is more.| He said nothing...| Then he left.")]
    [InlineData("Really?!| Yes!| No…| Perhaps.")]
    [InlineData("He said so.|The others did not.|\"We agree,\" they said.")]
    [InlineData("See example.com or e.g. www.Example.org for v2.0 notes.| Done.")]
    [InlineData("Headline without a stop|\nFirst sentence.|\n\nSecond sentence")]
    [InlineData("Acme Inc. said it bought Foo Corp. and Bar Ltd. last week.| The price was low.")]
    [InlineData("He works at Acme Inc.| The pay is good.")]
    [InlineData("Spain vs. Italy ended 2-2.| St. Louis lost.")]
    [InlineData("Yahoo! said so.| Jeopardy! won.")]
    [InlineData("The meeting is at 8 a.m. Monday.| Bring coffee.")]
    [InlineData("He has a Ph.D. in physics.| She has none.")]
    [InlineData("これは文です。|次の文です。")]
    [InlineData("One.| 2 more came.| 30 left.")]
    public void Text_IsCutWhereASentenceEnds(string marked)
    {
        var expected = marked.Split('|').Select(part => part.Trim());
        Assert.Equal(expected, Sentences.Of(marked.Replace("|", "", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("(CNN)The news is out. It is good.", "The news is out.")]
    [InlineData("(CNN) -- The news is out.", "The news is out.")]
    [InlineData("LONDON, England (Reuters) -- The news is out.", "The news is out.")]
    [InlineData("WASHINGTON (AP) - The news is out.", "The news is out.")]
    [InlineData("Kano, Nigeria (CNN)The news is out.", "The news is out.")]
    [InlineData("NEW YORK -- The news is out.", "The news is out.")]
    [InlineData("GDANSK, Poland — The news is out.", "The news is out.")]
    [InlineData("PARIS, France (Le Monde) -- The news is out.", "The news is out.")]
    [InlineData("(CNN Student News) -- The news is out.", "The news is out.")]
    [InlineData("Los Angeles (The Hollywood Reporter)The news is out.", "The news is out.")]
    [InlineData("(Nobody Knew) The news is out.", "(Nobody Knew) The news is out.")]
    [InlineData("The mayor (Labour) is out. So it is.", "The mayor (Labour) is out.")]
    [InlineData("The news -- all of it -- is out.", "The news -- all of it -- is out.")]
    public void Dateline_IsNotPartOfTheFirstSentence(string text, string first)
    {
        Assert.Equal(first, Sentences.Of(text)[0]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  \n\r\n ")]
    [InlineData("... !!! ---")]
    public void TextWithoutWords_HasNoSentence(string text)
    {
        Assert.Empty(Sentences.Of(text));
    }

    [Fact]
    public void RunOnText_IsCutIntoBoundedPieces()
    {
        var text = string.Join(", ", Enumerable.Range(0, 5000).Select(i => $"item{i}"));
        var sentences = Sentences.Of(text);
        Assert.All(sentences, sentence => Assert.InRange(sentence.Length, 400, Sentences.Longest));
        Assert.Equal(text.Replace(" ", "", StringComparison.Ordinal), string.Concat(sentences).Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(6, Sentences.Of(new string('x', 5500)).Count);
    }

    [Fact]
    public void RunOfSurrogatePairs_IsNeverCutInsideOne()
    {
        var text = "x" + string.Concat(Enumerable.Repeat("😀", 3000));
        Assert.All(Sentences.Of(text), sentence => Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(sentence))));
    }

    [Fact]
    public void Ranges_AscendAndHoldEveryLetterBehindTheDateline()
    {
        var wire = new DemoNewswire(3);
        for (var i = 0; i < 100; i++)
        {
            var text = wire.At(i).Text;
            var last = Sentences.Dateline(text);
            foreach (var range in Sentences.Ranges(text))
            {
                Assert.DoesNotContain(text[last..range.Start.Value], char.IsLetterOrDigit);
                last = range.End.Value;
            }
            Assert.DoesNotContain(text[last..], char.IsLetterOrDigit);
        }
    }
}
