using RsrNet.Core.Documents;

namespace RsrNet.Core.Replicas;

/// <summary>
/// The residual mode's recursion: y starts where a regression over the article's sentences puts it (<see cref="SummaryStart"/>), and each call of the reader
/// network asks all sentences anew, by their cosine to the y so far, how much more of each belongs to the summary (<see cref="ReaderCall"/>). Loss:
/// 1 - cos(u, t) of the last call. No row depends on the others.
/// </summary>
public sealed class ResidualEngine : IRecursionEngine, IArticleReader
{
    private readonly RecursionOptions options;
    private readonly ArticleReadings articles;
    private readonly ParameterLayout layout;
    private readonly ReaderParameters parameters;
    private readonly ReaderParameters gradients;
    private readonly ReaderCall[] calls;
    private double[] ofWeights = []; // gradients of one row, kept from row to row
    private double[] ofCosines = [];
    private readonly double[] ofLatent;

    /// <param name="shape">The network's sizes, in the residual mode; those in <paramref name="options"/> are not read.</param>
    /// <param name="options">How deep the recursion goes.</param>
    public ResidualEngine(RecursionShape shape, RecursionOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Calls, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LatentRecursions, 1);
        this.options = options;
        articles = new ArticleReadings(shape);
        layout = ParameterLayout.Of(shape);
        parameters = new ReaderParameters(shape);
        gradients = new ReaderParameters(shape);
        ofLatent = new double[shape.L];
        calls = [.. Enumerable.Range(0, options.Calls).Select(_ => new ReaderCall(shape))];
    }

    public string Name => "cpu";

    public RecursionShape Shape => articles.Shape;

    /// <summary>The loss of the last <see cref="Train"/> with all its digits: what a finite difference needs.</summary>
    public double Loss { get; private set; }

    /// <inheritdoc/>
    public void Load(RecursionWeights weights)
    {
        articles.Load(weights);
        parameters.Read(weights);
    }

    /// <inheritdoc/>
    public float Train(RecursionBatch batch, Span<float> gradient)
    {
        articles.Check(batch, training: true);
        layout.EnsureFits(gradient);
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
        articles.Check(batch, training: false);
        for (var row = 0; row < batch.Rows; row++) Run(batch, row, training: false);
    }

    /// <summary>Nothing: training moves no statistics here; the coordinator's regressions do.</summary>
    public void ReadStatistics(RecursionWeights destination)
    {
    }

    public void Dispose()
    {
    }

    SentenceReading IArticleReader.Read(ArticleSentences article, ReadOnlySpan<float> x) => Read(article, x);

    /// <inheritdoc cref="IArticleReader.Read"/>
    internal SentenceReading Read(ArticleSentences article, ReadOnlySpan<float> x) => articles.Of(article, x).Reading;

    /// <summary>The deep recursion of one row and, in training, its loss and gradient.</summary>
    private double Run(RecursionBatch batch, int row, bool training)
    {
        var from = articles.Begin(batch, row);
        ReadOnlySpan<double> cosines = from.Cosines, latent = from.Latent;
        for (var recursion = 0; recursion < options.LatentRecursions; recursion++)
        {
            foreach (var call in calls)
            {
                call.Forward(parameters, from.Reading, from.Start.Products, cosines, latent);
                cosines = call.Cosines;
                latent = call.Latent;
            }
        }
        var last = calls[^1];
        double loss = 0;
        if (training)
        {
            var (start, sentences) = articles.Target(batch, row, from);
            loss = Backward(from.Reading, last, start, sentences, 1.0 / batch.Rows);
        }
        articles.End(batch, row, from, last.Weights, last.Latent, training);
        return loss;
    }

    /// <summary>1 - cos(u, t~), and its gradient back through the calls of the last latent recursion.</summary>
    /// <param name="start">u0 . t~</param>
    /// <param name="products">[n] s_i . t~</param>
    private double Backward(SentenceReading reading, ReaderCall last, double start, double[] products, double share)
    {
        var along = start;
        for (var i = 0; i < products.Length; i++) along += last.Weights[i] * products[i];
        var loss = 1 - along / last.Norm;

        // d cos / d weight = products / norm - (u . t~) / norm^3 * (u' . s)
        var n = reading.Count;
        if (ofWeights.Length < n) (ofWeights, ofCosines) = (new double[n], new double[n]);
        for (var i = 0; i < n; i++)
            ofWeights[i] = -share * (products[i] / last.Norm - along / (last.Norm * last.Norm * last.Norm) * last.Products[i]);
        Array.Clear(ofCosines);
        Array.Clear(ofLatent); // the loss does not read the last z'
        for (var call = calls.Length - 1; call >= 0; call--)
        {
            calls[call].Backward(parameters, gradients, reading, ofWeights.AsSpan(0, n), ofCosines.AsSpan(0, n), ofLatent);
            Array.Clear(ofWeights); // an earlier call's weights count through its cosines and z alone
        }
        return loss;
    }
}
