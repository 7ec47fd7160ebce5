using RsrNet.Core.Documents;

namespace RsrNet.Core.Tests.Documents;

public sealed class PorterStemmerTests
{
    /// <summary>The examples of Porter's paper, rule by rule, as they leave the whole algorithm.</summary>
    [Theory]
    [InlineData("caresses", "caress")]
    [InlineData("ponies", "poni")]
    [InlineData("cats", "cat")]
    [InlineData("feed", "feed")]
    [InlineData("agreed", "agre")]
    [InlineData("plastered", "plaster")]
    [InlineData("bled", "bled")]
    [InlineData("motoring", "motor")]
    [InlineData("sing", "sing")]
    [InlineData("conflated", "conflat")]
    [InlineData("hopping", "hop")]
    [InlineData("falling", "fall")]
    [InlineData("filing", "file")]
    [InlineData("happy", "happi")]
    [InlineData("sky", "sky")]
    [InlineData("relational", "relat")]
    [InlineData("conditional", "condit")]
    [InlineData("digitizer", "digit")]
    [InlineData("vietnamization", "vietnam")]
    [InlineData("triplicate", "triplic")]
    [InlineData("hopeful", "hope")]
    [InlineData("goodness", "good")]
    [InlineData("allowance", "allow")]
    [InlineData("adoption", "adopt")]
    [InlineData("probate", "probat")]
    [InlineData("cease", "ceas")]
    [InlineData("controlling", "control")]
    [InlineData("generalizations", "gener")]
    [InlineData("oscillators", "oscil")]
    public void Word_HasPortersStem(string word, string stem) => Assert.Equal(stem, PorterStemmer.Stem(word));

    [Fact]
    public void Rouge_Stemmed_MeetsOtherForms()
    {
        Assert.Equal(0, Rouge.Of(["Elections delayed"], ["election delays"]).R1.F1);
        Assert.Equal(1, Rouge.Of(["Elections delayed"], ["election delays"], stem: true).R1.F1);
    }
}
