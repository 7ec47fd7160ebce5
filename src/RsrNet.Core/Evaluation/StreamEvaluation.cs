using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Embedding;

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
    /// <summary>Called after each batch with the articles learned so far.</summary>
    public Action<int>? Progress { get; init; }

    /// <param name="model">Fresh, or one that goes on learning.</param>
    /// <param name="train">In the order of the stream; those without highlights are skipped.</param>
    /// <param name="test">May be empty.</param>
    public EvaluationReport Run(IStreamModel model, IReadOnlyList<Article> train, IReadOnlyList<Article> test, CancellationToken cancellation = default)
    {
        var pass = Pass(model);
        var (lessons, exam) = (pass.Read(train), pass.Read(test));
        if (lessons.Count == 0) throw NothingToLearn(nameof(train));
        var prequential = pass.Stream(lessons, cancellation);
        return new EvaluationReport
        {
            Mode = model.Mode,
            Encoder = encoder.Id,
            Counts = new EvaluationCounts(lessons.Count, exam.Count, train.Count + test.Count - lessons.Count - exam.Count),
            Prequential = prequential,
            HeldOut = exam.Count == 0 ? null : HeldOutReport.Of(pass.Judge(exam)),
            Seconds = pass.Seconds,
        };
    }

    /// <summary>
    /// Cross-validation: the articles are cut into equal parts that follow each other; each part is judged by a model that has learned from all the others, once and in
    /// order, and what is held out is all parts together. What is prequential is one more pass, over all articles.
    /// </summary>
    /// <param name="newModel">A fresh one for each pass.</param>
    /// <param name="articles">Those without highlights are skipped.</param>
    /// <param name="folds">Parts; at least 2, and at most as many as there are articles.</param>
    public EvaluationReport RunFolds(Func<IStreamModel> newModel, IReadOnlyList<Article> articles, int folds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(folds, 2);
        using var whole = newModel();
        var pass = Pass(whole);
        var read = pass.Read(articles);
        if (read.Count < folds) throw read.Count == 0 ? NothingToLearn(nameof(articles)) : new ArgumentException($"{read.Count} articles make no {folds} parts", nameof(folds));
        var prequential = pass.Stream(read, cancellation);
        var seconds = pass.Seconds;
        var judged = new List<JudgedArticle>(read.Count);
        var learned = read.Count;
        for (var fold = 0; fold < folds; fold++)
        {
            var (start, end) = (fold * read.Count / folds, (fold + 1) * read.Count / folds);
            using var model = newModel();
            var part = Pass(model, learned);
            part.Stream([.. read[..start], .. read[end..]], cancellation);
            judged.AddRange(part.Judge(read[start..end]));
            seconds += part.Seconds;
            learned += read.Count - (end - start);
        }
        return new EvaluationReport
        {
            Mode = whole.Mode,
            Encoder = encoder.Id,
            Folds = folds,
            Counts = new EvaluationCounts(read.Count - read.Count / folds, read.Count, articles.Count - read.Count),
            Prequential = prequential,
            HeldOut = HeldOutReport.Of(judged),
            Seconds = seconds,
        };
    }

    private EvaluationPass Pass(IStreamModel model, int learnedBefore = 0) =>
        new(model, encoder, batchSize, stem) { Progress = done => Progress?.Invoke(learnedBefore + done) };

    private static ArgumentException NothingToLearn(string name) => new("no article of the training file has highlights to learn from", name);
}
