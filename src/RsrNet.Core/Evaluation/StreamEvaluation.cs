using System.Diagnostics;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Evaluation;

/// <summary>
/// Judges a learning mode the way it is used: articles come once, in order, each is foretold before it is learned; then others are judged and not learned
/// from. The baselines see the same articles at the same time.
/// </summary>
/// <param name="encoder">Embeds articles, highlights and sentences.</param>
/// <param name="batchSize">Labelled articles learned together; at least 2.</param>
/// <param name="stem">Whether ROUGE compares words by their stems.</param>
public sealed class StreamEvaluation(ITextEncoder encoder, int batchSize = 32, bool stem = false)
{
    private const int Steps = 8;
    private const int EncodedTogether = 16;
    private const int Latest = 500;

    private readonly IBaseline[] baselines = [new CopyBaseline(), new MeanBaseline(encoder.Dimensions), new RidgeBaseline(encoder.Dimensions)];

    /// <summary>Called after each batch with the articles done so far.</summary>
    public Action<int>? Progress { get; init; }

    /// <param name="model">Fresh, or one that goes on learning.</param>
    /// <param name="train">In the order of the stream; those without highlights are skipped.</param>
    /// <param name="test">May be empty.</param>
    public EvaluationReport Run(IStreamModel model, IReadOnlyList<Article> train, IReadOnlyList<Article> test, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        var lessons = Read(train);
        var exam = Read(test);
        if (lessons.Count == 0) throw new ArgumentException("no article of the training file has highlights to learn from", nameof(train));
        var encode = clock.Elapsed.TotalSeconds;
        var training = new Stopwatch();
        var prequential = Stream(model, lessons, training, cancellation);
        var testing = new Stopwatch();
        var heldOut = exam.Count == 0 ? null : Judge(model, exam, UsualCosine(prequential), testing);
        return new EvaluationReport
        {
            Mode = model.Mode,
            Encoder = encoder.Id,
            Counts = new EvaluationCounts(lessons.Count, exam.Count, train.Count + test.Count - lessons.Count - exam.Count),
            Prequential = prequential,
            HeldOut = heldOut,
            Seconds = new EvaluationSeconds(encode, training.Elapsed.TotalSeconds, testing.Elapsed.TotalSeconds),
        };
    }

    private List<ReadArticle> Read(IReadOnlyList<Article> articles)
    {
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
        return read;
    }

    private PrequentialReport Stream(IStreamModel model, List<ReadArticle> articles, Stopwatch training, CancellationToken cancellation)
    {
        var curve = new List<PrequentialPoint>(articles.Count);
        var ours = new Scores();
        var others = baselines.ToDictionary(baseline => baseline.Name, _ => new Scores());
        List<Rouge> served = [], lead = [];
        foreach (var batch in articles.Chunk(batchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            training.Start();
            var judged = model.Predict(batch);
            var summaries = batch.Select((_, row) => model.Summarize(judged, row)).ToArray();
            training.Stop();
            for (var row = 0; row < batch.Length; row++)
            {
                var (article, t) = (batch[row], batch[row].T!);
                var cosines = new Dictionary<string, double> { ["ours"] = ours.Add(judged.Y.AsSpan(row * t.Length, t.Length), t) };
                foreach (var baseline in baselines) cosines[baseline.Name] = others[baseline.Name].Add(Foretold(baseline, article.X), t);
                served.Add(Rouge.Of(Texts(summaries[row]), article.Highlights, stem));
                lead.Add(Rouge.Of(ExtractiveBaselines.Lead(article.Sentences), article.Highlights, stem));
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
        return new PrequentialReport(
            ours.Similarity, ours.Mse, others.ToDictionary(other => other.Key, other => new VectorScore(other.Value.Similarity, other.Value.Mse)),
            new Dictionary<string, RougeMeans> { ["ours"] = Means(served), ["lead3"] = Means(lead) },
            new Dictionary<string, RougeMeans> { ["ours"] = Means(served[..Math.Min(200, served.Count)]), ["lead3"] = Means(lead[..Math.Min(200, lead.Count)]) },
            curve);
    }

    /// <param name="usual">Median cosine of the stream: what q says a document is above.</param>
    private HeldOutReport Judge(IStreamModel model, List<ReadArticle> articles, double usual, Stopwatch testing)
    {
        var targets = articles.ConvertAll(article => article.T!);
        testing.Start();
        var batch = model.Predict(articles);
        var summaries = articles.Select((_, row) => model.Summarize(batch, row)).ToArray();
        testing.Stop();
        var predictions = articles.Select((article, row) => batch.Y.AsSpan(row * article.X.Length, article.X.Length).ToArray()).ToArray();
        var scores = new Scores();
        var cosines = predictions.Select((y, row) => scores.Add(y, targets[row])).ToArray();
        var confidence = Calibration.Of([.. cosines.Select((cosine, row) => ((double)batch.Confidence[row], cosine > usual))]);

        var random = new SplitMix64(1);
        var rouge = new Dictionary<string, List<Rouge>> { ["ours"] = [], ["lead3"] = [], ["centroid"] = [], ["random"] = [], ["oracle"] = [] };
        for (var row = 0; row < articles.Count; row++)
        {
            var article = articles[row];
            void Add(string name, string[] summary) => rouge[name].Add(Rouge.Of(summary, article.Highlights, stem));
            Add("ours", Texts(summaries[row]));
            Add("lead3", ExtractiveBaselines.Lead(article.Sentences));
            Add("centroid", ExtractiveBaselines.Centroid(article.Sentences, article.X));
            Add("random", ExtractiveBaselines.Chance(article.Sentences, ref random));
            Add("oracle", ExtractiveBaselines.Oracle(article.Sentences, article.Highlights));
        }
        Interval Gain(Func<Rouge, double> score) =>
            Bootstrap.Of([.. rouge["ours"].Zip(rouge["lead3"], (own, lead) => score(own) - score(lead))]);
        return new HeldOutReport(
            scores.Similarity, scores.Mse, Retrieval.Of(predictions, targets),
            Retrieval.Of([.. articles.Select((article, row) => SearchVector.Of(article.X, predictions[row]))], targets),
            rouge.ToDictionary(one => one.Key, one => Means(one.Value)),
            new RougeGain(Gain(one => one.R1.F1), Gain(one => one.R2.F1), Gain(one => one.RLsum.F1)),
            baselines.ToDictionary(baseline => baseline.Name, baseline => Judge(baseline, articles, targets)),
            Residuals(model, articles, targets), confidence,
            summaries.GroupBy(summary => summary.Readout).ToDictionary(group => group.Key, group => group.Count()));
    }

    private static double UsualCosine(PrequentialReport prequential)
    {
        var latest = prequential.Curve.TakeLast(Latest).Select(point => point.Similarity["ours"]).Order().ToArray();
        return latest[latest.Length / 2];
    }

    private static BaselineReport Judge(IBaseline baseline, List<ReadArticle> articles, List<float[]> targets)
    {
        var scores = new Scores();
        var predictions = articles.ConvertAll(article => Foretold(baseline, article.X));
        for (var i = 0; i < predictions.Count; i++) scores.Add(predictions[i], targets[i]);
        return new BaselineReport(scores.Similarity, scores.Mse, Retrieval.Of(predictions, targets));
    }

    private static List<StepResidual> Residuals(IStreamModel model, List<ReadArticle> articles, List<float[]> targets)
    {
        var batch = model.Place(articles);
        var (d, _, l) = batch.Shape;
        var steps = new List<StepResidual>(Steps);
        for (var step = 1; step <= Steps; step++)
        {
            var (y, z) = ((float[])batch.Y.Clone(), (float[])batch.Z.Clone());
            model.Refine(batch);
            double ofY = 0, ofZ = 0, cosine = 0;
            for (var row = 0; row < articles.Count; row++)
            {
                ofY += VectorMath.RelativeDistance(batch.Y.AsSpan(row * d, d), y.AsSpan(row * d, d)) / articles.Count;
                ofZ += VectorMath.RelativeDistance(batch.Z.AsSpan(row * l, l), z.AsSpan(row * l, l)) / articles.Count;
                cosine += VectorMath.Cosine(batch.Y.AsSpan(row * d, d), targets[row]) / articles.Count;
            }
            steps.Add(new StepResidual(step, ofY, ofZ, cosine));
        }
        return steps;
    }

    private static float[] Foretold(IBaseline baseline, float[] x)
    {
        var y = new float[x.Length];
        baseline.Predict(x, y);
        return y;
    }

    private static string[] Texts(ReadoutSummary summary) => [.. summary.Sentences.Select(sentence => sentence.Sentence)];

    private static double Mean(Rouge rouge) => (rouge.R1.F1 + rouge.R2.F1 + rouge.RLsum.F1) / 3;

    private static RougeMeans Means(List<Rouge> scores) =>
        new(scores.Average(one => one.R1.F1), scores.Average(one => one.R2.F1), scores.Average(one => one.RLsum.F1));

    private sealed class Scores
    {
        private double similarity;
        private double mse;
        private int count;

        public double Similarity => similarity / Math.Max(count, 1);

        public double Mse => mse / Math.Max(count, 1);

        public double Add(ReadOnlySpan<float> y, ReadOnlySpan<float> t)
        {
            var cosine = VectorMath.Cosine(y, t);
            similarity += cosine;
            mse += VectorMath.MeanSquaredError(y, t);
            count++;
            return cosine;
        }
    }
}
