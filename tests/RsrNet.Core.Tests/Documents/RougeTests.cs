using RsrNet.Core.Documents;

namespace RsrNet.Core.Tests.Documents;

public class RougeTests
{
    [Fact]
    public void SameText_IsOne()
    {
        var rouge = Rouge.Of(["The cat sat.", "It purred."], ["the CAT sat", "it purred!"]);
        Assert.Equal((1.0, 1.0, 1.0), (rouge.R1.F1, rouge.R2.F1, rouge.RLsum.F1));
    }

    [Fact]
    public void OneSentence_IsCountedByHand()
    {
        // candidate: the gunman police killed the dog; reference: police killed the gunman quickly
        var rouge = Rouge.Of(["The gunman police killed the dog."], ["police killed the gunman quickly"]);
        Assert.Equal((4 / 6.0, 4 / 5.0), (rouge.R1.Precision, rouge.R1.Recall));
        // pairs in common: "the gunman", "police killed", "killed the"
        Assert.Equal((3 / 5.0, 3 / 4.0), (rouge.R2.Precision, rouge.R2.Recall));
        // longest common subsequence: police killed the
        Assert.Equal((3 / 6.0, 3 / 5.0), (rouge.RLsum.Precision, rouge.RLsum.Recall));
        Assert.Equal(2 * (4 / 6.0) * (4 / 5.0) / (4 / 6.0 + 4 / 5.0), rouge.R1.F1, 1e-12);
    }

    /// <summary>The example of Lin 2004: r = w1 w2 w3 w4 w5; c1 = w1 w2 w6 w7 w8, c2 = w1 w3 w8 w9 w5: the union of subsequences is w1 w2 w3 w5, recall 4/5.</summary>
    [Fact]
    public void SeveralSentences_TakeTheUnionOfSubsequences()
    {
        var rouge = Rouge.Of(["w1 w2 w6 w7 w8", "w1 w3 w8 w9 w5"], ["w1 w2 w3 w4 w5"]);
        Assert.Equal((4 / 10.0, 4 / 5.0), (rouge.RLsum.Precision, rouge.RLsum.Recall));
    }

    [Fact]
    public void RepeatedWords_CountNoOftenerThanEitherTextHasThem()
    {
        var rouge = Rouge.Of(["the the the the"], ["the cat", "the dog"]);
        Assert.Equal((2 / 4.0, 2 / 4.0), (rouge.R1.Precision, rouge.R1.Recall));
        Assert.Equal((2 / 4.0, 2 / 4.0), (rouge.RLsum.Precision, rouge.RLsum.Recall));
        Assert.Equal(0, rouge.R2.F1);
    }

    [Fact]
    public void PairsCrossSentenceBoundaries_AndTokensAreAsciiRuns()
    {
        Assert.Equal(1, Rouge.Of(["a b", "c"], ["a", "b c"]).R2.F1);
        Assert.Equal(1, Rouge.Of(["U.S. can't 3.5"], ["u s can t 3 5"]).R1.F1);
    }

    [Fact]
    public void NothingToCompare_IsZero()
    {
        Assert.Equal(0, Rouge.Of([], ["a"]).R1.F1);
        Assert.Equal(0, Rouge.Of(["..."], ["a"]).RLsum.F1);
        Assert.Equal(0, Rouge.Of(["a"], ["a"]).R2.F1);
    }
}
