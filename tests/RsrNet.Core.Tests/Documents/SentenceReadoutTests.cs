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
        statistics.Readout.Clear();
        statistics.Readout[8] = 1; // digits
        statistics.Readout[5] = -0.5f; // and not in front
        var summary = new SentenceReadout(sentences: 2).Of(view, statistics);
        Assert.Equal("learned", summary.Readout);
        Assert.Equal([4, 5], summary.Sentences.Select(sentence => sentence.Position));
        Assert.Equal("front 10", summary.Sentences[1].Contributions![0].Feature);
        Assert.Contains("digits", summary.Sentences[0].Contributions!.Take(2).Select(contribution => contribution.Feature));
    }

    /// <summary>What the features and the new words added, summed up, is how much better the sentence is than the article's average one.</summary>
    [Fact]
    public void Contributions_SumToTheScoreAboveTheAverage()
    {
        var (view, statistics) = View();
        statistics.ReadoutOpen = 1;
        statistics.Words[2] = 0.5f; // rare words
        var chosen = Assert.Single(new SentenceReadout(sentences: 1, phrases: 2).Of(view, statistics).Sentences);
        var readout = ReadoutView.Of(view, statistics);
        var scores = Enumerable.Range(0, 6).Select(i => 2 * readout.Scores[i] + new WordCoverage(readout).GainOf(i)).ToArray();
        Assert.Equal(scores.Max(), chosen.Score, 1e-4);
        Assert.Equal(scores.Max() - scores.Average(), chosen.Contributions!.Sum(contribution => contribution.Value), 1e-4);
        Assert.Contains(chosen.Contributions!, contribution => contribution is { Feature: SentenceReadout.NewWords, Value: not 0 });
    }

    [Fact]
    public void WhatIsSaidAlready_IsNotPickedAgain()
    {
        var (view, statistics) = View();
        statistics.Readout.Clear();
        statistics.Readout[5] = 0.01f; // the first ones, by a little
        Assert.Equal([0, 1], new SentenceReadout(2).Pick(ReadoutView.Of(view, statistics)));
        statistics.Words[0] = 0.5f; // every word once, and the second sentence has all of the first
        Assert.DoesNotContain(0, new SentenceReadout(2).Pick(ReadoutView.Of(view, statistics)));
        Assert.Equal([0, 1], new SentenceReadout(2, phrases: 100).Pick(ReadoutView.Of(view, statistics)));
    }

    /// <summary>The expected ROUGE-1 of a summary, worked out in the open.</summary>
    [Fact]
    public void Coverage_CountsEachWordAsOftenAsItIsExpected()
    {
        var (view, statistics) = View("The dam broke. The dam and the wall.");
        statistics.Words.Clear();
        statistics.Words[0] = 0.5f;                      // every word once, perhaps
        statistics.Words[WordFeatures.Count] = 0.25f;    // and twice, less so
        statistics.Words[2 * WordFeatures.Count] = 0.4f; // three times is never likelier than twice
        statistics.Reference = 10;
        var coverage = new WordCoverage(ReadoutView.Of(view, statistics));
        Assert.Equal(2 * 1.5 / 13, coverage.GainOf(0), 1e-6);
        coverage.Add(0);
        Assert.Equal(2 * 1.5 / 13, coverage.Expected, 1e-6);
        // the: 0.25 + 0.25, dam: 0.25, and, wall: 0.5 each
        Assert.Equal(2 * (1.5 + 1.75) / 18 - coverage.Expected, coverage.GainOf(1), 1e-6);
        coverage.Add(1);
        Assert.Equal(2 * 3.25 / 18, coverage.Expected, 1e-6);
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
