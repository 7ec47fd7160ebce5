using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Evaluation;

/// <param name="Retrieval">Own highlights among those of all articles that were judged.</param>
/// <param name="SearchRetrieval">Retrieval with the vector that the search index holds instead of y.</param>
/// <param name="Rouge">By name: ours, lead3, centroid, random, oracle.</param>
/// <param name="GainOverLead">Paired bootstrap, 95%.</param>
/// <param name="ResidualByStep">Mean over the articles, from the first step on.</param>
/// <param name="Confidence">q against what it says: that the cosine is above the median of the stream before.</param>
/// <param name="ConfidenceWithin">
/// q against the median of the judged articles themselves: what is left of the error where these are not nearer to their highlights, or farther from them, than the
/// stream was.
/// </param>
/// <param name="Readouts">Summaries by the readout that made them.</param>
public sealed record HeldOutReport(
    double Similarity, double Mse, Retrieval Retrieval, Retrieval SearchRetrieval,
    IReadOnlyDictionary<string, RougeMeans> Rouge, RougeGain GainOverLead, IReadOnlyDictionary<string, BaselineReport> Baselines,
    IReadOnlyList<StepResidual> ResidualByStep, Calibration Confidence, Calibration ConfidenceWithin, IReadOnlyDictionary<string, int> Readouts)
{
    /// <param name="articles">At least one.</param>
    internal static HeldOutReport Of(IReadOnlyList<JudgedArticle> articles)
    {
        float[][] targets = [.. articles.Select(article => article.T)];
        var ours = VectorsOf(articles, targets, article => article.Y);
        var median = Median.Of(articles.Select(article => article.Cosine));
        Interval Gain(Func<Rouge, double> score) => Bootstrap.Of([.. articles.Select(article => score(article.Rouge["ours"]) - score(article.Rouge["lead3"]))]);
        return new HeldOutReport(
            ours.Similarity, ours.Mse, ours.Retrieval, Evaluation.Retrieval.Of([.. articles.Select(article => article.SearchVector)], targets),
            articles[0].Rouge.Keys.ToDictionary(name => name, name => RougeMeans.Of([.. articles.Select(article => article.Rouge[name])])),
            new RougeGain(Gain(one => one.R1.F1), Gain(one => one.R2.F1), Gain(one => one.RLsum.F1)),
            articles[0].Baselines.Keys.ToDictionary(name => name, name => VectorsOf(articles, targets, article => article.Baselines[name])),
            [.. Enumerable.Range(0, articles[0].Steps.Count).Select(step => StepOf(articles, step))],
            Calibration.Of([.. articles.Select(article => (article.Confidence, article.Cosine > article.Usual))]),
            Calibration.Of([.. articles.Select(article => (article.Confidence, article.Cosine > median))]),
            articles.GroupBy(article => article.Readout).ToDictionary(group => group.Key, group => group.Count()));
    }

    private static BaselineReport VectorsOf(IReadOnlyList<JudgedArticle> articles, float[][] targets, Func<JudgedArticle, float[]> prediction)
    {
        float[][] predictions = [.. articles.Select(prediction)];
        var scores = new VectorScores();
        for (var i = 0; i < predictions.Length; i++) scores.Add(predictions[i], targets[i]);
        return new BaselineReport(scores.Similarity, scores.Mse, Evaluation.Retrieval.Of(predictions, targets));
    }

    private static StepResidual StepOf(IReadOnlyList<JudgedArticle> articles, int step) => new(
        step + 1, articles.Average(article => article.Steps[step].Y), articles.Average(article => article.Steps[step].Z),
        articles.Average(article => article.Steps[step].Similarity));
}
