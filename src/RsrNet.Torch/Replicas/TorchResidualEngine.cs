using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using TorchSharp;
using static TorchSharp.torch;

namespace RsrNet.Torch.Replicas;

/// <summary>
/// The residual mode's recursion by libtorch's operations, with its automatic gradient: a batch's articles side by side, each filled up to the longest.
/// Articles are read on the processor, as for <see cref="ResidualEngine"/>, of which this is the twin. Every call waits for the device's thread.
/// B = rows, n = sentences of the longest article, F = features, L = latent.
/// </summary>
/// <remarks>Differs from <see cref="ResidualEngine"/>, which computes in double, by the rounding of single precision.</remarks>
public sealed unsafe class TorchResidualEngine : IRecursionEngine, IArticleReader
{
    private readonly TorchDevice device;
    private readonly RecursionOptions options;
    private readonly ParameterLayout layout;
    private readonly ArticleReadings articles;
    private readonly ReaderModule module;
    private readonly Tensor[] learned;
    private readonly ParameterSlot[] learnedSlots;

    /// <param name="device">Not disposed with the engine.</param>
    /// <param name="shape">The network's sizes, in the residual mode; those in <paramref name="options"/> are not read.</param>
    /// <param name="options">How deep the recursion goes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Calls or latent recursions are below 1.</exception>
    /// <exception cref="ArgumentException">The shape is of another mode.</exception>
    public TorchResidualEngine(TorchDevice device, RecursionShape shape, RecursionOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Calls, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LatentRecursions, 1);
        this.device = device;
        this.options = options;
        layout = ParameterLayout.Of(shape);
        articles = new ArticleReadings(shape);
        module = device.Run(() => new ReaderModule(shape, device.Device));
        // With one call nobody reads the latent: its gradient is zero.
        learnedSlots = [.. layout.Parameters.Where(slot => options.Calls > 1 || !slot.Name.StartsWith("fc_latent.", StringComparison.Ordinal))];
        var tensors = module.named_parameters().ToDictionary(parameter => parameter.name, parameter => (Tensor)parameter.parameter);
        learned = Array.ConvertAll(learnedSlots, slot => tensors[slot.Name]);
    }

    public string Name => device.Name;

    public RecursionShape Shape => articles.Shape;

    /// <inheritdoc/>
    public void Load(RecursionWeights weights)
    {
        articles.Load(weights);
        device.Run(() => module.Load(weights));
    }

    /// <inheritdoc/>
    public float Train(RecursionBatch batch, Span<float> gradient)
    {
        articles.Check(batch, training: true);
        layout.EnsureFits(gradient);
        var rows = new Rows(articles, batch, training: true);
        float loss;
        fixed (float* start = gradient)
        {
            // The caller waits, so the memory stays where it is until the thread has written it.
            var (pointer, length) = ((nint)start, gradient.Length);
            loss = device.Run(() => TrainHere(rows, batch, new Span<float>((float*)pointer, length)));
        }
        rows.End(articles, batch, training: true);
        return loss;
    }

    /// <inheritdoc/>
    public void Refine(RecursionBatch batch)
    {
        articles.Check(batch, training: false);
        if (batch.Rows == 0) return;
        var rows = new Rows(articles, batch, training: false);
        device.Run(() =>
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var (placed, cosines, latent) = Place(rows);
            var last = Recurse(placed, cosines, latent);
            for (var recursion = 1; recursion < options.LatentRecursions; recursion++) last = Recurse(placed, last.Cosines, last.Latent);
            Read(last, rows);
        });
        rows.End(articles, batch, training: false);
    }

    /// <summary>Nothing: training moves no statistics here; the coordinator's regressions do.</summary>
    public void ReadStatistics(RecursionWeights destination)
    {
    }

    public void Dispose() => device.Run(module.Dispose);

    SentenceReading IArticleReader.Read(ArticleSentences article, ReadOnlySpan<float> x) => articles.Of(article, x).Reading;

    /// <summary>Loss: mean of 1 - cos(u, t~) = 1 - (u0 . t~ + sum of weight_i s_i . t~) / ||u||, of the last call.</summary>
    private float TrainHere(Rows rows, RecursionBatch batch, Span<float> gradient)
    {
        using var scope = NewDisposeScope();
        var (placed, cosines, latent) = Place(rows);
        using (no_grad())
        {
            for (var recursion = 1; recursion < options.LatentRecursions; recursion++) (_, _, cosines, latent) = Recurse(placed, cosines, latent);
        }
        var last = Recurse(placed, cosines, latent);
        var along = Place(rows.StartTarget, rows.Count) + (last.Weights * Place(rows.SentenceTarget, rows.Count, rows.Longest)).sum(1);
        var rowLoss = 1 - along / last.Norm;
        var loss = rowLoss.mean();
        var gradients = autograd.grad([loss], learned);

        gradient.Clear();
        for (var i = 0; i < learnedSlots.Length; i++) RecursionModule.Read(gradients[i], gradient.Slice(learnedSlots[i].Offset, learnedSlots[i].Length));
        Read(last, rows);
        RecursionModule.Read(rowLoss.detach(), batch.RowLoss.AsSpan(0, batch.Rows));
        return loss.item<float>();
    }

    /// <summary>A latent recursion: n calls.</summary>
    private ReaderOutcome Recurse(ReaderRows rows, Tensor cosines, Tensor latent)
    {
        var outcome = module.Call(rows, cosines, latent);
        for (var call = 1; call < options.Calls; call++) outcome = module.Call(rows, outcome.Cosines, outcome.Latent);
        return outcome;
    }

    private (ReaderRows Rows, Tensor Cosines, Tensor Latent) Place(Rows rows)
    {
        var (count, longest) = (rows.Count, rows.Longest);
        var placed = new ReaderRows(
            Place(rows.Features, count, longest, SentenceFeatures.Count), Place(rows.Products, count, longest, longest), Place(rows.Start, count, longest),
            Place(rows.Mask, count, longest), Place(rows.Sentences, count, 1));
        return (placed, Place(rows.Cosines, count, longest), Place(rows.Latent, count, Shape.L));
    }

    private Tensor Place(float[] values, params long[] shape)
    {
        var tensor = empty(shape, device: device.Device);
        RecursionModule.Write(tensor, values);
        return tensor;
    }

    private static void Read(ReaderOutcome outcome, Rows rows)
    {
        RecursionModule.Read(outcome.Weights.detach(), rows.Weights);
        RecursionModule.Read(outcome.Latent.detach(), rows.Latent);
    }

    /// <summary>A batch's articles as arrays to be put on the device, and what came back.</summary>
    private sealed class Rows
    {
        private readonly RowStart[] starts;

        public Rows(ArticleReadings articles, RecursionBatch batch, bool training)
        {
            Count = batch.Rows;
            starts = new RowStart[Count];
            for (var row = 0; row < Count; row++) starts[row] = articles.Begin(batch, row);
            Longest = Math.Max(1, starts.Max(start => start.Reading.Count));
            Features = new float[Count * Longest * SentenceFeatures.Count];
            Products = new float[Count * Longest * Longest];
            Start = new float[Count * Longest];
            Cosines = new float[Count * Longest];
            Mask = new float[Count * Longest];
            Weights = new float[Count * Longest];
            Sentences = new float[Count];
            Latent = new float[Count * batch.Shape.L];
            StartTarget = new float[training ? Count : 0];
            SentenceTarget = new float[training ? Count * Longest : 0];
            for (var row = 0; row < Count; row++) Fill(articles, batch, row, training);
        }

        public int Count { get; }

        public int Longest { get; }

        public float[] Features { get; }

        public float[] Products { get; }

        public float[] Start { get; }

        public float[] Cosines { get; }

        public float[] Mask { get; }

        /// <summary>[B] how many, at least 1: an article without any has a mean of zero.</summary>
        public float[] Sentences { get; }

        /// <summary>[B] u0 . t~</summary>
        public float[] StartTarget { get; }

        /// <summary>[B, n] s_i . t~</summary>
        public float[] SentenceTarget { get; }

        /// <summary>[B, n] of the last call.</summary>
        public float[] Weights { get; }

        /// <summary>[B, L] before, and of the last call.</summary>
        public float[] Latent { get; }

        public void End(ArticleReadings articles, RecursionBatch batch, bool training)
        {
            var l = batch.Shape.L;
            for (var row = 0; row < Count; row++)
            {
                var weights = Array.ConvertAll(Weights[(row * Longest)..(row * Longest + starts[row].Reading.Count)], static weight => (double)weight);
                var latent = Array.ConvertAll(Latent[(row * l)..((row + 1) * l)], static value => (double)value);
                articles.End(batch, row, starts[row], weights, latent, training);
            }
        }

        private void Fill(ArticleReadings articles, RecursionBatch batch, int row, bool training)
        {
            var (reading, start, cosines, latent) = starts[row];
            var n = reading.Count;
            Narrow(reading.Features, Features, row * Longest * SentenceFeatures.Count);
            for (var i = 0; i < n; i++) reading.Products.Slice(i * n, n).CopyTo(Products.AsSpan((row * Longest + i) * Longest));
            Narrow(start.Products, Start, row * Longest);
            Narrow(cosines, Cosines, row * Longest);
            Narrow(latent, Latent, row * latent.Length);
            Mask.AsSpan(row * Longest, n).Fill(1);
            Sentences[row] = Math.Max(1, n);
            if (!training) return;
            var (along, sentences) = articles.Target(batch, row, starts[row]);
            StartTarget[row] = (float)along;
            Narrow(sentences, SentenceTarget, row * Longest);
        }

        private static void Narrow(ReadOnlySpan<double> from, float[] to, int at)
        {
            for (var i = 0; i < from.Length; i++) to[at + i] = (float)from[i];
        }
    }
}
