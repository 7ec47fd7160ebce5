using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>
/// What one labelled article teaches the regressions beside the network, and how it was judged before it was learned. Small numbers that a replica
/// works out and the coordinator adds up, in any order.
/// </summary>
public sealed record Lesson
{
    /// <summary>[d] x, t and the mean of the unit sentence vectors.</summary>
    public required float[] X { get; init; }

    public required float[] T { get; init; }

    public required float[] Sentence { get; init; }

    /// <summary>[K, K] and [K] sums over the d elements: t less its mean against <see cref="PoolFeatures"/>.</summary>
    public required double[] PoolGram { get; init; }

    public required double[] PoolMoment { get; init; }

    /// <summary>Product of what of y is not the mean's, of unit length, with t - mean: the length of y that fits.</summary>
    public required double Scale { get; init; }

    /// <summary>[7] <see cref="ConfidenceFeatures"/> of the prediction.</summary>
    public required double[] Confidence { get; init; }

    /// <summary>The cosine that was foretold, and q.</summary>
    public required double ForetoldCosine { get; init; }

    public required double Probability { get; init; }

    /// <summary>Cosine of the prediction to t.</summary>
    public required double Cosine { get; init; }

    /// <summary>Mean squared error of the prediction to t.</summary>
    public required double Error { get; init; }

    /// <summary>[8, 8] and [8] sums over the article's pairs of words: whether the highlights have one, against <see cref="PairFeatures"/>.</summary>
    public required double[] PairGram { get; init; }

    public required double[] PairMoment { get; init; }

    /// <summary>[16, 16] and [3, 16] sums over the article's words: whether the highlights have one once, twice, three times, against <see cref="WordFeatures"/>.</summary>
    public required double[] WordGram { get; init; }

    public required double[] WordMoment { get; init; }

    /// <summary>Words of the highlights.</summary>
    public required double HighlightWords { get; init; }

    /// <summary>Mean of ROUGE-1 and -2 F1 of the sentences the learned readout would have picked, and of the first sentences.</summary>
    public required double Learned { get; init; }

    public required double Lead { get; init; }

    /// <summary>Whether no number in it is NaN or infinite.</summary>
    internal bool IsFinite =>
        VectorMath.IsFinite(X) && VectorMath.IsFinite(T) && VectorMath.IsFinite(Sentence)
        && double.IsFinite(Scale + ForetoldCosine + Probability + Cosine + HighlightWords + Learned + Lead)
        && Array.TrueForAll([PoolGram, PoolMoment, Confidence, PairGram, PairMoment, WordGram, WordMoment], sums => Array.TrueForAll(sums, double.IsFinite));

    /// <param name="article">With highlights.</param>
    /// <param name="y">[d] what was predicted with the weights from before.</param>
    /// <param name="weights">Those weights.</param>
    /// <param name="reading">The article as these weights see it; null works it out.</param>
    public static Lesson Of(ReadArticle article, ReadOnlySpan<float> y, ResidualStatistics weights, SentenceReadout readout, SentenceReading? reading = null)
    {
        var t = article.T ?? throw new ArgumentException($"article '{article.Id}' has no highlights to learn from", nameof(article));
        reading ??= new SentenceReading(article.Sentences, article.X, weights);
        var view = SummaryView.Of(reading, y, weights);
        var d = t.Length;
        var goal = d <= VectorMath.MostOnStack ? stackalloc float[d] : new float[d];
        var own = d <= VectorMath.MostOnStack ? stackalloc float[d] : new float[d];
        t.CopyTo(goal);
        VectorMath.AddScaled(goal, weights.MeanT, -1);
        SummaryStart.Own(y, weights, own);

        var confidence = new double[ConfidenceFeatures.Count];
        var foretold = view.PredictCosine(weights, confidence);
        var expected = ReadoutView.Of(view, weights);
        var overlap = new HighlightOverlap(article.Highlights, article.Sentences.Words);
        var (gram, moment) = Pool(reading, goal);
        var (wordGram, wordMoment) = Words(article.Sentences.Words, overlap);
        var (pairGram, pairMoment) = Pairs(expected, overlap);
        return new Lesson
        {
            X = article.X,
            T = t,
            Sentence = MeanSentence(article.Sentences),
            PoolGram = gram,
            PoolMoment = moment,
            Scale = VectorMath.Dot(own, goal),
            Confidence = confidence,
            ForetoldCosine = foretold,
            Probability = weights.Line.Probability(foretold),
            Cosine = VectorMath.Cosine(y, t),
            Error = VectorMath.MeanSquaredError(y, t),
            PairGram = pairGram,
            PairMoment = pairMoment,
            WordGram = wordGram,
            WordMoment = wordMoment,
            HighlightWords = overlap.Words,
            Learned = overlap.OfSummary(readout.Pick(expected)),
            Lead = overlap.OfSummary(SentenceReadout.First(article.Sentences, readout.Sentences)),
        };
    }

    private static float[] MeanSentence(ArticleSentences sentences)
    {
        var mean = new float[sentences.Dimensions];
        for (var i = 0; i < sentences.Count; i++) sentences.Vectors.AddScaled(mean, i, 1f / sentences.Count);
        return mean;
    }

    private static (double[] Gram, double[] Moment) Words(ArticleWords words, HighlightOverlap overlap)
    {
        const int k = WordFeatures.Count;
        var gram = new double[k * k];
        var moment = new double[WordFeatures.Times * k];
        Span<double> features = stackalloc double[k];
        for (var v = 0; v < words.Count; v++)
        {
            words.WriteFeatures(v, features);
            DoubleMath.AddOuter(gram, features, features);
            var times = Math.Min(overlap.Times(v), WordFeatures.Times);
            for (var i = 0; i < times; i++) DoubleMath.AddScaled(moment.AsSpan(i * k, k), features, 1);
        }
        return (gram, moment);
    }

    private static (double[] Gram, double[] Moment) Pairs(ReadoutView view, HighlightOverlap overlap)
    {
        const int k = PairFeatures.Count;
        var gram = new double[k * k];
        var moment = new double[k];
        Span<double> features = stackalloc double[k];
        for (var b = 0; b < view.Article.Words.Pairs; b++)
        {
            view.WritePairFeatures(b, features);
            DoubleMath.AddOuter(gram, features, features);
            if (overlap.HasPair(b)) DoubleMath.AddScaled(moment, features, 1);
        }
        return (gram, moment);
    }

    /// <summary>With P [K, d] the pool's vectors: P P^T and P goal. P's first rows are weightings W [K-1, n] of the sentences S, so P P^T = W (S S^T) W^T.</summary>
    private static (double[] Gram, double[] Moment) Pool(SentenceReading reading, ReadOnlySpan<float> goal)
    {
        const int k = PoolFeatures.Count, w = PoolFeatures.Weightings;
        var n = reading.Count;
        var gram = new double[k * k];
        var moment = new double[k];
        var goals = reading.Against(goal);
        Span<double> weightings = stackalloc double[w * n], products = stackalloc double[w * n]; // W, and W (S S^T)
        for (var a = 0; a < w; a++)
        {
            var own = weightings.Slice(a * n, n);
            for (var i = 0; i < n; i++) own[i] = reading.Weightings[i * w + a];
            for (var i = 0; i < n; i++) products[a * n + i] = reading.ProductWithSum(i, own);
            for (var b = 0; b <= a; b++) gram[b * k + a] = gram[a * k + b] = DoubleMath.Dot(own, products.Slice(b * n, n));
            gram[w * k + a] = gram[a * k + w] = DoubleMath.Dot(own, reading.CosinesX);
            moment[a] = DoubleMath.Dot(own, goals);
        }
        gram[w * k + w] = VectorMath.Dot(reading.X, reading.X);
        moment[w] = VectorMath.Dot(reading.X, goal);
        return (gram, moment);
    }
}
