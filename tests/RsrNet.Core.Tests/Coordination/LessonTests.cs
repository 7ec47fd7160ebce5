using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;

namespace RsrNet.Core.Tests.Coordination;

public sealed class LessonTests
{
    /// <summary>The sums come from products of sentences; here the pool's vectors are made and multiplied one by one.</summary>
    [Fact]
    public void PoolSums_EqualThoseOfTheVectorsThemselves()
    {
        var statistics = new ResidualStatistics(TinyNews.Weights());
        foreach (var article in TinyNews.Articles())
        {
            var lesson = Lesson.Of(article, article.X, statistics, new SentenceReadout());
            var reading = new SentenceReading(article.Sentences, article.X, statistics);
            var vectors = new float[PoolFeatures.Count][];
            for (var k = 0; k < PoolFeatures.Weightings; k++)
            {
                vectors[k] = new float[16];
                for (var i = 0; i < reading.Count; i++)
                    VectorMath.AddScaled(vectors[k], reading.Sentence(i), (float)reading.Weightings[i * PoolFeatures.Weightings + k]);
            }
            vectors[^1] = reading.X.ToArray();
            var goal = (float[])article.T!.Clone();
            VectorMath.AddScaled(goal, statistics.MeanT, -1);
            for (var a = 0; a < vectors.Length; a++)
            {
                Assert.Equal(VectorMath.Dot(vectors[a], goal), lesson.PoolMoment[a], 1e-4);
                for (var b = 0; b < vectors.Length; b++)
                    Assert.Equal(VectorMath.Dot(vectors[a], vectors[b]), lesson.PoolGram[a * vectors.Length + b], 1e-4);
            }
        }
    }

    /// <summary>Counted in another way than <see cref="Rouge"/> does, because it is done for every sentence of every article; the figures are the same.</summary>
    [Fact]
    public void Overlap_EqualsRouge()
    {
        foreach (var article in TinyNews.Articles())
        {
            string[] highlights = ["The river ROSE by 2 metres; the town: the old town.", "40 branches of the coast"];
            var overlap = new HighlightOverlap(highlights, article.Sentences.Words);
            int[] picked = [0, article.Sentences.Count - 1];
            Assert.Equal(Enumerable.Range(0, article.Sentences.Words.Count).Sum(overlap.Times), highlights.Sum(highlight => Known(highlight, article)));
            var both = Rouge.Of([.. picked.Select(i => article.Sentences.Outlines[i].Text)], highlights);
            Assert.Equal((both.R1.F1 + both.R2.F1) / 2, overlap.OfSummary(picked), 1e-12);
        }
    }

    /// <summary>The sums over words, made one word at a time by a regression of its own.</summary>
    [Fact]
    public void WordSums_AreThoseOfTheWords()
    {
        var article = TinyNews.Articles()[0];
        var lesson = Lesson.Of(article, article.X, new ResidualStatistics(TinyNews.Weights()), new SentenceReadout());
        var words = article.Sentences.Words;
        var overlap = new HighlightOverlap(article.Highlights, words);
        Assert.Equal(overlap.Words, lesson.HighlightWords);
        for (var times = 1; times <= WordFeatures.Times; times++)
        {
            var regression = new NormalEquations(WordFeatures.Prior, WordFeatures.PriorWeight);
            var features = new double[WordFeatures.Count];
            for (var v = 0; v < words.Count; v++)
            {
                words.WriteFeatures(v, features);
                regression.Observe(features, overlap.Times(v) >= times ? 1 : 0);
            }
            foreach (var (expected, actual) in regression.Gram.Zip(lesson.WordGram)) Assert.Equal(expected, actual, 1e-9);
            foreach (var (expected, actual) in regression.Moment.Zip(lesson.WordMoment[((times - 1) * WordFeatures.Count)..])) Assert.Equal(expected, actual, 1e-9);
        }
    }

    /// <summary>The pairs, told by their words' names, and their sums, made one pair at a time by a regression of its own.</summary>
    [Fact]
    public void PairSums_AreThoseOfThePairs()
    {
        var article = TinyNews.Articles()[0] with { Highlights = ["The river rose: the old", "town left"] };
        var statistics = new ResidualStatistics(TinyNews.Weights());
        statistics.Words[0] = 0.3f;
        var lesson = Lesson.Of(article, article.X, statistics, new SentenceReadout());
        var words = article.Sentences.Words;
        string[][] tokens = [.. article.Sentences.Outlines.Select(outline => Tokens(outline.Text))];
        var names = tokens.SelectMany(own => own.Zip(own.Skip(1))).Distinct().ToArray();
        Assert.Equal(names.Length, words.Pairs);
        var summary = SummaryView.Of(new SentenceReading(article.Sentences, article.X, statistics), article.X, statistics);
        var view = ReadoutView.Of(summary, statistics);
        var regression = new NormalEquations(PairFeatures.Prior, PairFeatures.PriorWeight);
        var features = new double[PairFeatures.Count];
        var heads = Tokens(string.Join(' ', article.Highlights));
        for (var b = 0; b < names.Length; b++)
        {
            var having = Enumerable.Range(0, tokens.Length).Where(i => tokens[i].Zip(tokens[i].Skip(1)).Contains(names[b])).ToArray();
            Assert.Equal(having, Enumerable.Range(0, tokens.Length).Where(i => words.PairsOf(i).Contains(b)));
            view.WritePairFeatures(b, features);
            Assert.Equal((Math.Log(having.Length), summary.Cosines[having[0]]), (features[6], features[7]));
            regression.Observe(features, heads.Zip(heads.Skip(1)).Contains(names[b]) ? 1 : 0);
        }
        Assert.Equal(names.Length, tokens.Sum(own => own.Zip(own.Skip(1)).Distinct().Count())); // TinyNews repeats none
        Assert.True(regression.Moment[0] >= 3, "the river, river rose, and what joins them");
        foreach (var (expected, actual) in regression.Gram.Zip(lesson.PairGram)) Assert.Equal(expected, actual, 1e-9);
        foreach (var (expected, actual) in regression.Moment.Zip(lesson.PairMoment)) Assert.Equal(expected, actual, 1e-9);
    }

    [Fact]
    public void Unlabelled_IsRefused()
    {
        var article = TinyNews.Articles()[0] with { T = null };
        var problem = Assert.Throws<ArgumentException>(
            () => Lesson.Of(article, article.X, new ResidualStatistics(TinyNews.Weights()), new SentenceReadout()));
        Assert.Contains("has no highlights", problem.Message, StringComparison.Ordinal);
    }

    private static string[] Tokens(string text) =>
        new string([.. text.Select(unit => char.IsAsciiLetterOrDigit(unit) ? char.ToLowerInvariant(unit) : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Words of a text, each kind once, counted as often as the text has it, that the article has, too.</summary>
    private static int Known(string text, ReadArticle article)
    {
        var hashes = article.Sentences.Words.Hashes.ToHashSet();
        var count = 0;
        foreach (var (hash, _) in new RougeTokens(text)) count += hashes.Contains(hash) ? 1 : 0;
        return count;
    }
}
