using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Documents;

public sealed class SentenceReadoutTests
{
    private const string Text =
        "The dam broke at noon. Nobody was hurt when the dam broke at noon. The valley was flooded within the hour. "
        + "\"I ran,\" said one farmer. Engineers had warned of cracks since 2019. The minister visits on Tuesday.";

    [Fact]
    public void Closed_ServesTheFirstSentences_AndSaysSo()
    {
        var (view, statistics) = View();
        var summary = new SentenceReadout().Of(view, statistics);
        Assert.Equal("lead", summary.Readout);
        Assert.Equal([0, 1, 2], summary.Sentences.Select(sentence => sentence.Position));
    }

    [Fact]
    public void Open_PicksByItsWeights_InArticleOrder()
    {
        var (view, statistics) = View();
        statistics.ReadoutOpen = 1;
        statistics.Pairs.Clear();
        statistics.Pairs[4] = 1; // rare words
        var summary = new SentenceReadout(sentences: 2).Of(view, statistics);
        Assert.Equal("learned", summary.Readout);
        var rare = Enumerable.Range(0, 6).OrderByDescending(i => new ExpectedRouge(ReadoutView.Of(view, statistics), 4).GainOf(i)).First();
        Assert.Contains(rare, summary.Sentences.Select(sentence => sentence.Position));
        Assert.Equal(summary.Sentences.Select(sentence => sentence.Position).Order(), summary.Sentences.Select(sentence => sentence.Position));
        Assert.Contains("rare words", summary.Sentences[0].Contributions!.Take(2).Select(contribution => contribution.Feature));
    }

    /// <summary>What the features, the new words and the length added, summed up, is how much better the sentence is than the article's average one.</summary>
    [Fact]
    public void Contributions_SumToTheScoreAboveTheAverage()
    {
        var (view, statistics) = View();
        statistics.ReadoutOpen = 1;
        statistics.Words[2] = 0.5f; // rare words
        for (var k = 0; k < PairFeatures.Count; k++) statistics.Pairs[k] = 0.05f * (k - 2); // some below 0, where no probability is
        var chosen = Assert.Single(new SentenceReadout(sentences: 1, phrases: 2).Of(view, statistics).Sentences);
        var scores = Enumerable.Range(0, 6).Select(i => new ExpectedRouge(ReadoutView.Of(view, statistics), 2).GainOf(i)).ToArray();
        Assert.Equal(scores.Max(), chosen.Score, 1e-4);
        Assert.Equal(scores.Max() - scores.Average(), chosen.Contributions!.Sum(contribution => contribution.Value), 1e-4);
        foreach (var name in (string[])[SentenceReadout.NewWords, SentenceReadout.Length, .. PairFeatures.Names.Skip(1)])
            Assert.Single(chosen.Contributions!, contribution => contribution.Feature == name);
        Assert.Contains(chosen.Contributions!, contribution => contribution is { Feature: SentenceReadout.NewWords, Value: not 0 });
    }

    [Fact]
    public void WhatIsSaidAlready_IsNotPickedAgain()
    {
        var (view, statistics) = View();
        statistics.Pairs.Clear();
        statistics.Words[0] = 0.5f; // every word once, and the second sentence has all of the first
        Assert.DoesNotContain(0, new SentenceReadout(2).Pick(ReadoutView.Of(view, statistics)));
        statistics.Words.Clear();
        statistics.Pairs[0] = 0.5f; // every pair once, likewise
        Assert.DoesNotContain(0, new SentenceReadout(2).Pick(ReadoutView.Of(view, statistics)));
    }

    /// <summary>A sentence that nothing is expected of makes the summary longer and no better.</summary>
    [Fact]
    public void NothingToAdd_EndsTheSummary()
    {
        var (view, statistics) = View();
        statistics.Pairs.Clear();
        statistics.Pairs[5] = 1; // in front alone
        statistics.Pairs[0] = -0.5f;
        var readout = ReadoutView.Of(view, statistics);
        var picked = new SentenceReadout(3, phrases: 1).Pick(readout);
        Assert.InRange(picked.Length, 1, 2);
        var rouge = new ExpectedRouge(readout, 1);
        foreach (var sentence in picked) rouge.Add(sentence);
        Assert.All(Enumerable.Range(0, 6).Except(picked), i => Assert.True(rouge.GainOf(i) <= 0));
    }

    /// <summary>The expected ROUGE-1 and -2 of a summary, worked out in the open.</summary>
    [Fact]
    public void Expected_CountsEachWordAsOftenAsItIsExpected_AndEachPairOnce()
    {
        var (view, statistics) = View("The dam broke. The dam broke and the wall.");
        statistics.Words.Clear();
        statistics.Words[0] = 0.5f;                      // every word once, perhaps
        statistics.Words[WordFeatures.Count] = 0.25f;    // and twice, less so
        statistics.Words[2 * WordFeatures.Count] = 0.4f; // three times is never likelier than twice
        statistics.Pairs.Clear();
        statistics.Pairs[0] = 0.1f;
        statistics.Reference = 10;
        var rouge = new ExpectedRouge(ReadoutView.Of(view, statistics), 3);
        Assert.Equal((0, 0), (rouge.Words, rouge.Pairs));
        var first = 2 * 1.5 / 13 + 3 * 2 * 0.2 / (2 + 9); // the dam, dam broke
        Assert.Equal(first, rouge.GainOf(0), 1e-6);
        rouge.Add(0);
        Assert.Equal(2 * 1.5 / 13, rouge.Words, 1e-6);
        Assert.Equal(2 * 0.2 / 11, rouge.Pairs, 1e-6);
        // the: 0.25 + 0.25, dam, broke: 0.25, and, wall: 0.5 each; broke and, and the, the wall
        var both = 2 * (1.5 + 2) / 19 + 3 * 2 * 0.5 / (8 + 9);
        Assert.Equal(both - first, rouge.GainOf(1), 1e-6);
        rouge.Add(1);
        Assert.Equal(both, rouge.Total, 1e-6);
    }

    [Fact]
    public void FewSentences_AreAllPicked()
    {
        var (view, statistics) = View("One sentence stands alone.");
        statistics.ReadoutOpen = 1;
        Assert.Single(new SentenceReadout().Of(view, statistics).Sentences);
    }

    [Fact]
    public void Outline_CountsWordsDigitsNamesAndQuotes()
    {
        var outline = SentenceOutline.Of("In 2019 the Bank of England said \u201Cno\u201D to 3 offers.", 4);
        Assert.Equal((11, 4, true), (outline.Words, outline.Position, outline.Quotes));
        Assert.Equal(2f / 11, outline.Digits);
        Assert.Equal(2f / 11, outline.Capitals);
    }

    [Fact]
    public void LongArticle_IsReadUpToTheLimit()
    {
        var text = string.Join(' ', Enumerable.Range(0, 300).Select(i => $"This is sentence number {i} of many."));
        Assert.Equal(ArticleSentences.Limit, ArticleSentences.Of(new HashedEncoder(), text).Count);
    }

    [Fact]
    public void SentencesOfSeveralArticles_EqualThoseOfEach()
    {
        var encoder = new HashedEncoder();
        var together = ArticleSentences.Of(encoder, [Text, "Here comes another one. It has two sentences."]);
        Assert.Equal(ArticleSentences.Of(encoder, Text).Vectors.Values, together[0].Vectors.Values);
        Assert.Equal(2, together[1].Count);
        Assert.Equal(1f, RsrNet.Core.Numerics.VectorMath.Norm(together[1].Vectors.Of(1)), 1e-5f);
    }

    private static (SummaryView View, ResidualStatistics Statistics) View(string text = Text)
    {
        var encoder = new HashedEncoder();
        var shape = new RecursionShape(encoder.Dimensions, 4, 4) { Mode = LearningMode.Residual };
        var statistics = new ResidualStatistics(RecursionInitialization.Create(shape, 1));
        var x = new float[encoder.Dimensions];
        encoder.Encode(new[] { text }, x);
        return (SummaryView.Of(new SentenceReading(ArticleSentences.Of(encoder, text), x, statistics), x, statistics), statistics);
    }
}
