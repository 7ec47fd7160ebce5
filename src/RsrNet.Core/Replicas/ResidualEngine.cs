using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// The residual mode's recursion: y starts where a regression over the article's sentences puts it (<see cref="SummaryStart"/>), and each call of the reader
/// network asks all sentences anew, by their cosine to the y so far, how much more of each belongs to the summary (<see cref="ReaderCall"/>). Loss:
/// 1 - cos(u, t) of the last call. No row depends on the others.
/// </summary>
public sealed class ResidualEngine : IRecursionEngine
{
    private const int KnownLimit = 512;

    private readonly RecursionOptions options;
    private readonly RecursionWeights weights;
    private readonly ResidualStatistics statistics;
    private readonly ReaderParameters parameters;
    private readonly ReaderParameters gradients;
    private readonly ReaderCall[] calls;

    /// <summary>What was worked out of articles with these statistics: a batch's supervision steps read the same ones again.</summary>
    private readonly Dictionary<ArticleSentences, (SentenceReading Reading, SummaryStart Start)> known = new(ReferenceEqualityComparer.Instance);
    private bool loaded;

    /// <param name="shape">The network's sizes, in the residual mode; those in <paramref name="options"/> are not read.</param>
    /// <param name="options">How deep the recursion goes.</param>
    public ResidualEngine(RecursionShape shape, RecursionOptions options)
    {
        if (shape.Mode != LearningMode.Residual) throw new ArgumentException($"a network of the mode {shape.Mode} does not run here", nameof(shape));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Calls, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LatentRecursions, 1);
        this.options = options;
        weights = new RecursionWeights(shape);
        statistics = new ResidualStatistics(weights);
        parameters = new ReaderParameters(shape);
        gradients = new ReaderParameters(shape);
        calls = [.. Enumerable.Range(0, options.Calls).Select(_ => new ReaderCall(shape))];
    }

    public string Name => "cpu";

    public RecursionShape Shape => weights.Shape;

    /// <summary>The loss of the last <see cref="Train"/> with all its digits: what a finite difference needs.</summary>
    public double Loss { get; private set; }

    /// <inheritdoc/>
    public void Load(RecursionWeights weights)
    {
        if (!weights.Statistics.AsSpan().SequenceEqual(this.weights.Statistics)) known.Clear();
        this.weights.CopyFrom(weights);
        parameters.Read(weights);
        loaded = true;
    }

    /// <inheritdoc/>
    public float Train(RecursionBatch batch, Span<float> gradient)
    {
        Check(batch);
        if (batch.Rows < 1) throw new ArgumentException("training needs at least 1 row", nameof(batch));
        weights.Layout.EnsureFits(gradient);
        gradients.Clear();
        Loss = 0;
        for (var row = 0; row < batch.Rows; row++)
        {
            var loss = Run(batch, row, training: true);
            batch.RowLoss[row] = (float)loss;
            Loss += loss / batch.Rows;
        }
        gradients.Write(gradient);
        return (float)Loss;
    }

    /// <inheritdoc/>
    public void Refine(RecursionBatch batch)
    {
        Check(batch);
        for (var row = 0; row < batch.Rows; row++) Run(batch, row, training: false);
    }

    /// <summary>Nothing: training moves no statistics here; the coordinator's regressions do.</summary>
    public void ReadStatistics(RecursionWeights destination)
    {
    }

    public void Dispose()
    {
    }

    /// <summary>The deep recursion of one row and, in training, its loss and gradient.</summary>
    private double Run(RecursionBatch batch, int row, bool training)
    {
        var (d, _, l) = Shape;
        var x = batch.X.AsSpan(row * d, d);
        var y = batch.Y.AsSpan(row * d, d);
        var z = batch.Z.AsSpan(row * l, l);
        var article = batch.Sentences[row]
            ?? throw new ArgumentException($"row {row} has no sentences, which the residual mode reads", nameof(batch));
        var (reading, start) = Known(article, x);
        var latent = new double[l];
        for (var k = 0; k < l; k++) latent[k] = z[k];
        var cosines = start.Products; // a new document's u is u0, of unit length
        if (y.ContainsAnyExcept(0f))
        {
            var carried = start.Carried(y);
            var norm = VectorMath.Norm(carried);
            cosines = reading.Against(carried);
            for (var i = 0; i < cosines.Length; i++) cosines[i] = norm > 0 ? cosines[i] / norm : 0;
        }

        for (var recursion = 0; recursion < options.LatentRecursions; recursion++)
        {
            foreach (var call in calls)
            {
                call.Forward(parameters, reading, start.Products, cosines, latent);
                (cosines, latent) = (call.Cosines, call.Latent);
            }
        }
        var last = calls[^1];
        double loss = 0;
        if (training) loss = Backward(reading, start, last, batch.T.AsSpan(row * d, d), 1.0 / batch.Rows);
        start.WriteY(y, reading, last.Weights);
        for (var k = 0; k < l; k++) z[k] = (float)last.Latent[k];
        if (!training) batch.Confidence[row] = (float)Confidence(reading, y);
        return loss;
    }

    /// <summary>An article as the loaded weights see it.</summary>
    /// <param name="x">[d] its embedding.</param>
    internal SentenceReading Read(ArticleSentences article, ReadOnlySpan<float> x) => Known(article, x).Reading;

    private (SentenceReading Reading, SummaryStart Start) Known(ArticleSentences article, ReadOnlySpan<float> x)
    {
        if (known.TryGetValue(article, out var read) && read.Reading.IsOf(x)) return read;
        if (known.Count >= KnownLimit) known.Clear();
        var reading = new SentenceReading(article, x, statistics);
        return known[article] = (reading, new SummaryStart(reading, statistics));
    }

    /// <summary>1 - cos(u, t~), t~ = unit(t - mean), and its gradient back through the calls of the last latent recursion.</summary>
    private double Backward(SentenceReading reading, SummaryStart start, ReaderCall last, ReadOnlySpan<float> t, double share)
    {
        var target = SentenceReading.Centred(t, statistics.MeanT);
        var products = reading.Against(target);
        double along = VectorMath.Dot(start.U, target);
        for (var i = 0; i < products.Length; i++) along += last.Weights[i] * products[i];
        var loss = 1 - along / last.Norm;

        // d cos / d weight = products / norm - (u . t~) / norm^3 * (u' . s)
        var ofWeights = new double[reading.Count];
        for (var i = 0; i < ofWeights.Length; i++)
            ofWeights[i] = -share * (products[i] / last.Norm - along / (last.Norm * last.Norm * last.Norm) * last.Products[i]);
        var ofCosines = new double[reading.Count];
        var ofLatent = new double[Shape.L]; // zero: the loss does not read the last z'
        for (var call = calls.Length - 1; call >= 0; call--)
        {
            calls[call].Backward(parameters, gradients, reading, ofWeights, ofCosines, ofLatent);
            Array.Clear(ofWeights); // an earlier call's weights count through its cosines and z alone
        }
        return loss;
    }

    /// <summary>q: the probability that the cosine to t is above the median of the stream.</summary>
    private double Confidence(SentenceReading reading, ReadOnlySpan<float> y)
    {
        Span<double> features = stackalloc double[ConfidenceFeatures.Count];
        var prediction = SummaryView.Of(reading, y, statistics).PredictCosine(statistics, features);
        return statistics.Line.Probability(prediction);
    }

    private void Check(RecursionBatch batch)
    {
        if (!loaded) throw new InvalidOperationException("load weights into the engine before the first batch");
        if (batch.Shape != Shape) throw new ArgumentException($"a batch of shape {batch.Shape} does not fit a network of shape {Shape}", nameof(batch));
        if (batch.Rows < 0 || batch.Rows > batch.Capacity)
            throw new ArgumentException($"a batch has 0 to {batch.Capacity} rows, not {batch.Rows}", nameof(batch));
    }
}
