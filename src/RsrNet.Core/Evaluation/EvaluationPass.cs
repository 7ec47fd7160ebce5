using System.Diagnostics;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Evaluation;

/// <summary>One model with its baselines from the first article it learns to the last it is judged by.</summary>
/// <param name="model">Fresh, or one that goes on learning; not disposed of.</param>
internal sealed class EvaluationPass(IStreamModel model, ITextEncoder encoder, int batchSize, bool stem)
{
    private const int Steps = 8;
    private const int EncodedTogether = 16;
    private const int Latest = 500;

    private readonly IBaseline[] baselines = [new CopyBaseline(), new MeanBaseline(encoder.Dimensions), new RidgeBaseline(encoder.Dimensions)];
    private readonly Stopwatch encoding = new();
    private readonly Stopwatch training = new();
    private readonly Stopwatch testing = new();

    /// <summary>What q says a document's cosine is above.</summary>
    private double usual;

    /// <summary>Called after each batch with the articles learned so far.</summary>
    public Action<int>? Progress { get; init; }

    public EvaluationSeconds Seconds => new(encoding.Elapsed.TotalSeconds, training.Elapsed.TotalSeconds, testing.Elapsed.TotalSeconds);

    /// <summary>The articles that have highlights and sentences.</summary>
    public List<ReadArticle> Read(IReadOnlyList<Article> articles)
    {
        encoding.Start();
        var read = new List<ReadArticle>(articles.Count);
        foreach (var chunk in articles.Where(article => article.HasHighlights).Chunk(EncodedTogether))
        {
            var embeddings = encoder.Embed(chunk);
            var sentences = ArticleSentences.Of(encoder, [.. chunk.Select(article => article.Text)]);
            for (var i = 0; i < chunk.Length; i++)
            {
                if (sentences[i].Count > 0)
                    read.Add(new ReadArticle(chunk[i].Id, embeddings[i].X, embeddings[i].T, sentences[i], chunk[i].Highlights));
            }
        }
        encoding.Stop();
        return read;
    }

    /// <summary>Test, then train.</summary>
    /// <param name="articles">In the order of the stream; at least one.</param>
    public PrequentialReport Stream(List<ReadArticle> articles, CancellationToken cancellation)
    {
        var curve = new List<PrequentialPoint>(articles.Count);
        var ours = new VectorScores();
        var others = baselines.ToDictionary(baseline => baseline.Name, _ => new VectorScores());
        List<Rouge> served = [], lead = [];
        var said = new List<(double Probability, bool True)>();
        foreach (var batch in articles.Chunk(batchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            var before = model.UsualCosine;
            training.Start();
            var judged = model.Predict(batch);
            var summaries = batch.Select((_, row) => model.Summarize(judged, row)).ToArray();
            training.Stop();
            for (var row = 0; row < batch.Length; row++)
            {
                var (article, t) = (batch[row], batch[row].T!);
                var cosines = new Dictionary<string, double> { ["ours"] = ours.Add(judged.Y.AsSpan(row * t.Length, t.Length), t) };
                if (before is { } then) said.Add((judged.Confidence[row], cosines["ours"] > then));
                foreach (var baseline in baselines) cosines[baseline.Name] = others[baseline.Name].Add(Foretold(baseline, article.X), t);
                served.Add(Score(Texts(summaries[row]), article));
                lead.Add(Score(ExtractiveBaselines.Lead(article.Sentences), article));
                curve.Add(new PrequentialPoint(cosines, Mean(served[^1]) - Mean(lead[^1])));
            }
            training.Start();
            model.Learn(batch, judged);
            training.Stop();
            foreach (var baseline in baselines)
            {
                foreach (var article in batch) baseline.Learn(article.X, article.T!);
            }
            Progress?.Invoke(curve.Count);
        }
        usual = model.UsualCosine ?? Median.Of(curve.TakeLast(Latest).Select(point => point.Similarity["ours"]));
        return new PrequentialReport(
            ours.Similarity, ours.Mse, others.ToDictionary(other => other.Key, other => new VectorScore(other.Value.Similarity, other.Value.Mse)),
            said.Count == 0 ? null : Calibration.Of(said),
            new Dictionary<string, RougeMeans> { ["ours"] = RougeMeans.Of(served), ["lead3"] = RougeMeans.Of(lead) },
            new Dictionary<string, RougeMeans> { ["ours"] = RougeMeans.Of([.. served.Take(200)]), ["lead3"] = RougeMeans.Of([.. lead.Take(200)]) },
            curve);
    }

    /// <summary>Judges articles and learns nothing from them.</summary>
    public List<JudgedArticle> Judge(List<ReadArticle> articles)
    {
        testing.Start();
        var batch = model.Predict(articles);
        var summaries = articles.Select((_, row) => model.Summarize(batch, row)).ToArray();
        testing.Stop();
        var steps = Refine(articles);
        var random = new SplitMix64(1);
        var judged = new List<JudgedArticle>(articles.Count);
        for (var row = 0; row < articles.Count; row++)
        {
            var article = articles[row];
            var y = batch.Y.AsSpan(row * article.X.Length, article.X.Length).ToArray();
            judged.Add(new JudgedArticle
            {
                T = article.T!,
                Y = y,
                SearchVector = SearchVector.Of(article.X, y),
                Baselines = baselines.ToDictionary(baseline => baseline.Name, baseline => Foretold(baseline, article.X)),
                Confidence = batch.Confidence[row],
                Cosine = VectorMath.Cosine(y, article.T!),
                Usual = usual,
                Rouge = new Dictionary<string, Rouge>
                {
                    ["ours"] = Score(Texts(summaries[row]), article),
                    ["lead3"] = Score(ExtractiveBaselines.Lead(article.Sentences), article),
                    ["centroid"] = Score(ExtractiveBaselines.Centroid(article.Sentences, article.X), article),
                    ["random"] = Score(ExtractiveBaselines.Chance(article.Sentences, ref random), article),
                    ["oracle"] = Score(ExtractiveBaselines.Oracle(article.Sentences, article.Highlights), article),
                },
                Readout = summaries[row].Readout,
                Steps = steps[row],
            });
        }
        return judged;
    }

    private List<StepResidual>[] Refine(List<ReadArticle> articles)
    {
        var batch = model.Place(articles);
        var (d, _, l) = batch.Shape;
        var steps = articles.Select(_ => new List<StepResidual>(Steps)).ToArray();
        for (var step = 1; step <= Steps; step++)
        {
            var (y, z) = ((float[])batch.Y.Clone(), (float[])batch.Z.Clone());
            model.Refine(batch);
            for (var row = 0; row < articles.Count; row++)
            {
                steps[row].Add(new StepResidual(
                    step, VectorMath.RelativeDistance(batch.Y.AsSpan(row * d, d), y.AsSpan(row * d, d)),
                    VectorMath.RelativeDistance(batch.Z.AsSpan(row * l, l), z.AsSpan(row * l, l)),
                    VectorMath.Cosine(batch.Y.AsSpan(row * d, d), articles[row].T!)));
            }
        }
        return steps;
    }

    private Rouge Score(string[] summary, ReadArticle article) => Rouge.Of(summary, article.Highlights, stem);

    private static float[] Foretold(IBaseline baseline, float[] x)
    {
        var y = new float[x.Length];
        baseline.Predict(x, y);
        return y;
    }

    private static string[] Texts(ReadoutSummary summary) => [.. summary.Sentences.Select(sentence => sentence.Sentence)];

    private static double Mean(Rouge rouge) => (rouge.R1.F1 + rouge.R2.F1 + rouge.RLsum.F1) / 3;
}
