using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// What is the same in the residual mode whatever runs its network: articles read with the loaded statistics, the way from a document's (y, z) to what the
/// network works on and back, and confidence. n = sentences. Used by one thread at a time.
/// </summary>
internal sealed class ArticleReadings
{
    private const int KnownLimit = 512;

    /// <summary>Readings whose memory waits to be used again: those of the batches of a turn.</summary>
    private const int SpareLimit = 128;

    private readonly RecursionWeights weights;
    private readonly ResidualStatistics statistics;

    /// <summary>What was worked out of articles with these statistics: a batch's supervision steps read the same ones again.</summary>
    private readonly Dictionary<ArticleSentences, (SentenceReading Reading, SummaryStart Start, ReadingMemory Memory)> known = new(ReferenceEqualityComparer.Instance);
    private readonly Stack<ReadingMemory> spare = new();
    private readonly float[] scratch; // [d]
    private float[] meanSentence; // [d] one for all that is known
    private bool loaded;

    /// <exception cref="ArgumentException">The shape is of another mode.</exception>
    public ArticleReadings(RecursionShape shape)
    {
        if (shape.Mode != LearningMode.Residual) throw new ArgumentException($"a network of the mode {shape.Mode} does not run here", nameof(shape));
        weights = new RecursionWeights(shape);
        statistics = new ResidualStatistics(weights);
        scratch = new float[shape.D];
        meanSentence = statistics.MeanSentence.ToArray();
    }

    public RecursionShape Shape => weights.Shape;

    /// <summary>Takes over a copy of these weights' statistics. Where they are others, this ends what was read before.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void Load(RecursionWeights weights)
    {
        var same = weights.Statistics.AsSpan().SequenceEqual(this.weights.Statistics);
        this.weights.CopyFrom(weights);
        if (!same)
        {
            foreach (var (_, _, memory) in known.Values)
            {
                if (spare.Count < SpareLimit) spare.Push(memory);
            }
            known.Clear();
            meanSentence = statistics.MeanSentence.ToArray();
        }
        loaded = true;
    }

    /// <summary>An article as the loaded weights see it: until others are.</summary>
    /// <param name="x">[d] its embedding.</param>
    public (SentenceReading Reading, SummaryStart Start) Of(ArticleSentences article, ReadOnlySpan<float> x)
    {
        if (known.TryGetValue(article, out var read) && read.Reading.IsOf(x)) return (read.Reading, read.Start);
        if (known.Count >= KnownLimit) known.Clear(); // the batch under way may have some of them: their memory is left alone
        var memory = spare.TryPop(out var left) ? left : new ReadingMemory(Shape.D);
        var reading = new SentenceReading(article, x, statistics.MeanX, meanSentence, memory);
        var start = new SummaryStart(reading, statistics, memory);
        known[article] = (reading, start, memory);
        return (reading, start);
    }

    /// <summary>Where a row's recursion begins.</summary>
    /// <exception cref="ArgumentException">The row has no sentences.</exception>
    public RowStart Begin(RecursionBatch batch, int row)
    {
        var (d, _, l) = Shape;
        var article = batch.Sentences[row]
            ?? throw new ArgumentException($"row {row} has no sentences, which the residual mode reads", nameof(batch));
        var (reading, start) = Of(article, batch.X.AsSpan(row * d, d));
        var latent = new double[l];
        for (var k = 0; k < l; k++) latent[k] = batch.Z[row * l + k];
        var y = batch.Y.AsSpan(row * d, d);
        var cosines = start.Products; // a new document's u is u0, of unit length
        if (y.ContainsAnyExcept(0f))
        {
            start.Carry(y, scratch);
            var norm = VectorMath.Norm(scratch);
            cosines = reading.Against(scratch);
            for (var i = 0; i < cosines.Length; i++) cosines[i] = norm > 0 ? cosines[i] / norm : 0;
        }
        return new RowStart(reading, start, cosines, latent);
    }

    /// <summary>What a row is trained towards, t~ = unit(t - mean).</summary>
    /// <returns>u0 . t~ and [n] s_i . t~</returns>
    public (double Start, double[] Sentences) Target(RecursionBatch batch, int row, RowStart from)
    {
        SentenceReading.Centre(batch.T.AsSpan(row * Shape.D, Shape.D), statistics.MeanT, scratch);
        return (VectorMath.Dot(from.Start.U, scratch), from.Reading.Against(scratch));
    }

    /// <summary>Writes what a row's recursion came to: y and z, and where it was not training q.</summary>
    /// <param name="sentenceWeights">[n] the last call's.</param>
    /// <param name="latent">[L] the last call's z.</param>
    public void End(RecursionBatch batch, int row, RowStart from, ReadOnlySpan<double> sentenceWeights, ReadOnlySpan<double> latent, bool training)
    {
        var (d, _, l) = Shape;
        var y = batch.Y.AsSpan(row * d, d);
        from.Start.WriteY(y, from.Reading, sentenceWeights);
        for (var k = 0; k < l; k++) batch.Z[row * l + k] = (float)latent[k];
        if (!training) batch.Confidence[row] = (float)Confidence(from.Reading, y);
    }

    /// <exception cref="InvalidOperationException">No weights are loaded.</exception>
    /// <exception cref="ArgumentException">The batch does not fit.</exception>
    public void Check(RecursionBatch batch, bool training)
    {
        if (!loaded) throw new InvalidOperationException("load weights into the engine before the first batch");
        if (batch.Shape != Shape) throw new ArgumentException($"a batch of shape {batch.Shape} does not fit a network of shape {Shape}", nameof(batch));
        if (batch.Rows < 0 || batch.Rows > batch.Capacity)
            throw new ArgumentException($"a batch has 0 to {batch.Capacity} rows, not {batch.Rows}", nameof(batch));
        if (training && batch.Rows < 1) throw new ArgumentException("training needs at least 1 row", nameof(batch));
    }

    /// <summary>q: the probability that the cosine to t is above the median of the stream.</summary>
    private double Confidence(SentenceReading reading, ReadOnlySpan<float> y)
    {
        Span<double> features = stackalloc double[ConfidenceFeatures.Count];
        var prediction = SummaryView.Of(reading, y, statistics).PredictCosine(statistics, features);
        return statistics.Line.Probability(prediction);
    }
}

/// <summary>One row before its recursion.</summary>
/// <param name="Cosines">[n] cos(s_i, u) of the u it starts from.</param>
/// <param name="Latent">[L] z.</param>
internal readonly record struct RowStart(SentenceReading Reading, SummaryStart Start, double[] Cosines, double[] Latent);

/// <summary>An engine that reads articles, and can show how.</summary>
internal interface IArticleReader
{
    /// <summary>An article as the loaded weights see it: until others are, whose readings take its memory.</summary>
    /// <param name="x">[d] its embedding.</param>
    SentenceReading Read(ArticleSentences article, ReadOnlySpan<float> x);
}
