using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// One article as the residual mode sees it with a set of weights: every vector less the mean of its kind and of unit length, so that what all articles
/// share says nothing; products of sentences, from which the recursion runs in n numbers instead of d. n = sentences, d = embedding.
/// </summary>
/// <remarks>
/// The centred sentences are never written down: with a_i = s_i . m and l_i = ||s_i - m||, a product with v is (s_i . v - m . v) / l_i, and one of two sentences
/// (s_i . s_k - a_i - a_k + m . m) / (l_i l_k), where s_i . s_k is the article's own and stays the same whatever the weights.
/// </remarks>
public sealed class SentenceReading
{
    /// <summary>
    /// Share of the lead in the anchor unit(x + 0.5 lead + 0.6 names). Measured on CNN/DailyMail: x alone and the lead alone find an article's own highlights
    /// worse than their mixture (MRR 95.4, 94.9 and 96.3).
    /// </summary>
    private const float AnchorLead = 0.5f;

    /// <summary>Share of the sentences by how many names they have: with it the same cosine finds better, by 0.2 of MRR x 100.</summary>
    private const float AnchorNames = 0.6f;

    private readonly float[] mean;
    private readonly double[] scales; // [n] 1 / l_i; 0 where nothing is left of a sentence
    private readonly float[] x;
    private readonly float[] lead;
    private readonly float[] anchor;
    private readonly float[] given;

    /// <param name="article">The article's sentences.</param>
    /// <param name="x">[d] its embedding.</param>
    /// <param name="statistics">Those of the weights in use.</param>
    public SentenceReading(ArticleSentences article, ReadOnlySpan<float> x, ResidualStatistics statistics)
    {
        var d = x.Length;
        if (article.Dimensions != d) throw new ArgumentException($"sentences of {article.Dimensions} elements do not fit an article of {d}", nameof(article));
        var n = article.Count;
        Article = article;
        given = x.ToArray();
        this.x = new float[d];
        Centre(x, statistics.MeanX, this.x);
        mean = statistics.MeanSentence.ToArray();
        scales = new double[n];
        CosinesX = new double[n];
        lead = new float[d];
        var names = new float[d];
        double square = VectorMath.Dot(mean, mean), common = VectorMath.Dot(mean, this.x), weightOfMean = 0, namesOfMean = 0;
        var along = new double[n];
        var weights = new double[n];
        var vectors = article.Vectors;
        for (var i = 0; i < n; i++)
        {
            along[i] = vectors.Dot(i, mean);
            var length = Math.Sqrt(Math.Max(0, article.Products[i * n + i] - 2 * along[i] + square));
            scales[i] = length > 1e-3 ? 1 / length : 0; // a sentence that is the mean says nothing
            CosinesX[i] = (vectors.Dot(i, this.x) - common) * scales[i];
            weights[i] = PoolFeatures.Lead(article.Outlines[i]);
            vectors.AddScaled(lead, i, (float)(weights[i] * scales[i]));
            weightOfMean += weights[i] * scales[i];
            var named = Math.Sqrt(SentenceFeatures.Length(article.Outlines[i])) * article.Outlines[i].Capitals * scales[i];
            if (named == 0) continue;
            vectors.AddScaled(names, i, (float)named);
            namesOfMean += named;
        }
        VectorMath.AddScaled(lead, mean, (float)-weightOfMean);
        VectorMath.AddScaled(names, mean, (float)-namesOfMean);
        VectorMath.Normalize(names);
        Products = CentredProducts(article, along, square, scales);
        double leadNorm = VectorMath.Normalize(lead);
        if (!(leadNorm > 0)) leadNorm = 1;
        anchor = (float[])this.x.Clone();
        VectorMath.AddScaled(anchor, lead, AnchorLead);
        VectorMath.AddScaled(anchor, names, AnchorNames);
        VectorMath.Normalize(anchor);

        Features = new double[n * SentenceFeatures.Count];
        Weightings = new double[n * PoolFeatures.Weightings];
        for (var i = 0; i < n; i++)
        {
            SentenceFeatures.Write(
                Features.AsSpan(i * SentenceFeatures.Count, SentenceFeatures.Count),
                article.Outlines[i], CosinesX[i], ProductWithSum(i, weights) / leadNorm, Centrality(i), i, n);
            PoolFeatures.Write(Weightings.AsSpan(i * PoolFeatures.Weightings, PoolFeatures.Weightings), article.Outlines[i], CosinesX[i]);
        }
        for (var i = 0; i < Weightings.Length; i++) Weightings[i] /= leadNorm;
    }

    public ArticleSentences Article { get; }

    /// <summary>n</summary>
    public int Count => Article.Count;

    /// <summary>[n, n] cosines between sentences.</summary>
    public float[] Products { get; }

    /// <summary>[n] cosines of the sentences to x.</summary>
    public double[] CosinesX { get; }

    /// <summary>[n, 10] <see cref="SentenceFeatures"/>.</summary>
    internal double[] Features { get; }

    /// <summary>[n, 10] each sentence's weight in the first vectors of <see cref="PoolFeatures"/>.</summary>
    internal double[] Weightings { get; }

    /// <summary>[d] unit(x + 0.5 lead + 0.6 names): what of the article is mixed into y so that y still finds it.</summary>
    internal ReadOnlySpan<float> Anchor => anchor;

    internal ReadOnlySpan<float> X => x;

    internal ReadOnlySpan<float> Lead => lead;

    /// <summary>Whether this was made for an article of this embedding.</summary>
    internal bool IsOf(ReadOnlySpan<float> embedding) => embedding.SequenceEqual(given);

    /// <summary>[d] a centred sentence, made anew.</summary>
    internal float[] Sentence(int index)
    {
        var vector = new float[x.Length];
        var weights = new double[Count];
        weights[index] = 1;
        AddSum(vector, weights);
        return vector;
    }

    /// <summary>Mean cosine of a sentence to the others; 0 for one alone.</summary>
    public double Centrality(int index)
    {
        var row = Products.AsSpan(index * Count, Count);
        var sum = DoubleMath.Sum(row) - row[index];
        return Count > 1 ? sum / (Count - 1) : 0;
    }

    /// <summary>Product of a sentence with the weighted sum of all.</summary>
    /// <param name="weights">[n]</param>
    internal double ProductWithSum(int index, ReadOnlySpan<double> weights) => DoubleMath.Dot(Products.AsSpan(index * Count, Count), weights);

    /// <returns>[n] products of the sentences with a vector.</returns>
    /// <param name="vector">[d]</param>
    internal double[] Against(ReadOnlySpan<float> vector)
    {
        var products = new double[Count];
        var common = VectorMath.Dot(mean, vector);
        for (var i = 0; i < products.Length; i++) products[i] = (Article.Vectors.Dot(i, vector) - common) * scales[i];
        return products;
    }

    /// <summary>Adds the sentences' weighted sum to a vector.</summary>
    /// <param name="vector">[d]</param>
    /// <param name="weights">[n]</param>
    internal void AddSum(Span<float> vector, ReadOnlySpan<double> weights)
    {
        double common = 0;
        for (var i = 0; i < Count; i++)
        {
            var weight = weights[i] * scales[i];
            if (weight == 0) continue;
            Article.Vectors.AddScaled(vector, i, (float)weight);
            common += weight;
        }
        VectorMath.AddScaled(vector, mean, (float)-common);
    }

    /// <summary>A vector less a mean, or a share of it, of unit length; zero where nothing is left.</summary>
    /// <param name="to">[d]; overwritten.</param>
    internal static void Centre(ReadOnlySpan<float> vector, ReadOnlySpan<float> mean, Span<float> to, float share = 1)
    {
        vector.CopyTo(to);
        VectorMath.AddScaled(to, mean, -share);
        VectorMath.Normalize(to);
    }

    private static float[] CentredProducts(ArticleSentences article, double[] along, double square, double[] scales)
    {
        var n = article.Count;
        var products = new float[n * n];
        for (var i = 0; i < n; i++)
        {
            DoubleMath.WriteCentred(products.AsSpan(i * n, i + 1), article.Products.AsSpan(i * n, i + 1), along, square, scales);
            for (var k = 0; k < i; k++) products[k * n + i] = products[i * n + k];
        }
        return products;
    }
}
