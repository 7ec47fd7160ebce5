using System.Globalization;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Evaluation.Experiments;

/// <summary>
/// The RSR-Net notebook: recursion and supervision over CNN/DailyMail articles, epoch by epoch, in the notebook's own way; a fifth of the articles judges.
/// </summary>
public static class RecursionNotebook
{
    private const int Batch = 8;

    /// <param name="articles">With highlights, in order; the last fifth is held out.</param>
    /// <param name="open">What the recursion runs on; null for the engine cpu.</param>
    public static ExperimentReport Run(
        IReadOnlyList<Article> articles, ITextEncoder encoder, Action<string> progress, int seed = 1, int epochs = 5,
        Func<RecursionShape, RecursionOptions, IRecursionEngine>? open = null, CancellationToken cancellation = default)
    {
        var vectors = encoder.Embed(articles);
        var cut = articles.Count - articles.Count / 5;
        var options = new RecursionOptions { Seed = seed };
        var shape = new RecursionShape(encoder.Dimensions, options.Hidden, options.Latent);
        using var engine = open?.Invoke(shape, options) ?? new CpuEngine(shape, options);
        var coordinator = new Coordinator(RecursionInitialization.Create(shape, seed), new CoordinationOptions());
        var supervision = new Supervision(engine, coordinator, options);
        var batch = new RecursionBatch(shape, Batch);
        var random = new Random(seed);
        var order = Enumerable.Range(0, cut).ToArray();
        var (losses, similarities) = (new List<double>(), new List<double>());
        var before = Judge();
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            random.Shuffle(order);
            double loss = 0;
            var steps = 0;
            foreach (var rows in order.Chunk(Batch))
            {
                cancellation.ThrowIfCancellationRequested();
                if (rows.Length < 2) continue;
                Place(rows, withTargets: true);
                foreach (var step in supervision.Run(batch))
                {
                    loss += step.Loss;
                    steps++;
                }
            }
            losses.Add(loss / steps);
            similarities.Add(Judge());
            progress(string.Create(CultureInfo.InvariantCulture, $"epoch {epoch + 1}/{epochs}: loss {losses[^1]:0.00000}, held-out cosine {similarities[^1]:0.0000}"));
        }
        double copied = 0;
        for (var row = cut; row < vectors.Length; row++) copied += VectorMath.Cosine(vectors[row].X, vectors[row].T) / (vectors.Length - cut);
        List<ExperimentFigure> figures =
        [
            new("loss of the first epoch", losses[0]), new("loss of the last epoch", losses[^1]),
            new("cosine of y to the highlights, held out, before learning", before), new("the same after learning", similarities[^1]),
            new("cosine of the article itself to its highlights", copied),
        ];
        return new ExperimentReport(
            "rsr-net", figures, [new ExperimentCurve("training loss", losses), new ExperimentCurve("held-out cosine", similarities)],
            "training loss and held-out cosine by epoch",
            [$"{cut:N0} articles taught, {vectors.Length - cut:N0} judged, encoder {encoder.Id}", "`rsrnet evaluate` compares the server's own learning mode with baselines"]);

        double Judge()
        {
            double sum = 0;
            for (var from = cut; from < vectors.Length; from += Batch)
            {
                var rows = Enumerable.Range(from, Math.Min(Batch, vectors.Length - from)).ToArray();
                Place(rows, withTargets: false);
                engine.Load(coordinator.Weights);
                for (var step = 0; step < options.SupervisionSteps; step++) engine.Refine(batch);
                for (var row = 0; row < rows.Length; row++) sum += VectorMath.Cosine(batch.Y.AsSpan(row * shape.D, shape.D), vectors[rows[row]].T);
            }
            return sum / (vectors.Length - cut);
        }

        void Place(int[] rows, bool withTargets)
        {
            batch.Rows = rows.Length;
            batch.Y.AsSpan().Clear();
            batch.Z.AsSpan().Clear();
            for (var row = 0; row < rows.Length; row++)
            {
                vectors[rows[row]].X.CopyTo(batch.X.AsSpan(row * shape.D));
                if (withTargets) vectors[rows[row]].T.CopyTo(batch.T.AsSpan(row * shape.D));
            }
        }
    }
}
