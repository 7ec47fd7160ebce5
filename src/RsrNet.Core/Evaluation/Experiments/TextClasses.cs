using System.Globalization;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Evaluation.Experiments;

/// <summary>The text-classification notebooks: several recurrent classifiers over the same articles, judged on articles they never saw.</summary>
public static class TextClasses
{
    /// <summary>How one model learns.</summary>
    /// <param name="AtLeast">Bar of its accuracy.</param>
    /// <param name="OnPlane">With a state of two numbers: where it puts the judged texts before and after is drawn.</param>
    private sealed record Plan(string Name, ModelOptions Options, int Epochs, double? AtLeast = null, bool OnPlane = false);

    /// <summary>News in four classes: the first 5,000 teach, the last 600 judge, at most.</summary>
    /// <param name="articles">In the order of the file.</param>
    /// <param name="epochShare">Below 1 for a test.</param>
    /// <param name="inner">Those that judge are left alone, and the last fifth of the others judges: how the settings were chosen.</param>
    /// <param name="open">What the models compute on; null for our own tape.</param>
    public static ExperimentReport AgNews(
        IReadOnlyList<LabelledText> articles, Action<string> progress, int seed = 1, double epochShare = 1, bool inner = false,
        OpenTextEngine? open = null, CancellationToken cancellation = default)
    {
        var judged = Math.Min(600, articles.Count * 600 / 5600);
        var taught = Math.Min(5_000, articles.Count - judged);
        var (teach, judge) = Parts(articles.Take(taught).ToList(), articles.TakeLast(judged).ToList(), inner);
        // Learning rate, dropout and epochs were chosen with --inner.
        var options = new ModelOptions { Seed = seed, Embedding = 64, Hidden = 128, BatchSize = 32, Dropout = 0.5, TokenDropout = 0.4, LearningRate = 5e-3 };
        var mean = options with { Cell = RecurrentCell.Mean, Embedding = 128, Dropout = 0.6, LearningRate = 1e-2 };
        Plan[] plans =
        [
            new("LSTM, mean over time", options with { Cell = RecurrentCell.Lstm, Summary = ModelSummary.Mean }, 8, AtLeast: 0.80),
            new("LSTM, last state", options with { Cell = RecurrentCell.Lstm, Summary = ModelSummary.Last }, 8, AtLeast: 0.80),
            new("GRU, mean over time", options with { Cell = RecurrentCell.Gru, Summary = ModelSummary.Mean }, 8),
            new("RNN, mean over time", options with { Cell = RecurrentCell.Rnn, Summary = ModelSummary.Mean, LearningRate = 3e-3 }, 8),
            new("mean of embeddings", mean, 12, AtLeast: 0.82),
            new("mean of embeddings, byte pairs", mean with { Vocabulary = VocabularyKind.BytePairs }, 12),
            new("LSTM with a state of two numbers", options with { Hidden = 2, Dropout = 0, TokenDropout = 0.2, LearningRate = 2e-2 }, 8, OnPlane: true),
        ];
        return Run("ag-news", teach, judge, plans, progress, epochShare, againstMajority: false, open, cancellation);
    }

    /// <summary>Fake and real headlines, shuffled: 80% teach, the rest judges; accuracy against always saying the more frequent class.</summary>
    /// <inheritdoc cref="AgNews"/>
    public static ExperimentReport FakeNews(
        IReadOnlyList<LabelledText> headlines, Action<string> progress, int seed = 1, double epochShare = 1, bool inner = false,
        OpenTextEngine? open = null, CancellationToken cancellation = default)
    {
        var shuffled = headlines.ToArray();
        new Random(seed).Shuffle(shuffled);
        var cut = (int)(0.8 * shuffled.Length);
        var (teach, judge) = Parts(shuffled[..cut], shuffled[cut..], inner);
        // As above; five folds of what teaches judged, because a fifth of it is 96 headlines.
        var options = new ModelOptions { Seed = seed, Embedding = 64, Hidden = 64, BatchSize = 16, Dropout = 0.5, TokenDropout = 0.4, LearningRate = 1e-2 };
        Plan[] plans =
        [
            new("LSTM, mean over time", options with { Cell = RecurrentCell.Lstm }, 15),
            new("GRU, mean over time", options with { Cell = RecurrentCell.Gru }, 15),
            new("RNN, mean over time", options with { Cell = RecurrentCell.Rnn, LearningRate = 3e-3 }, 15),
            new("mean of embeddings", options with { Cell = RecurrentCell.Mean, Dropout = 0.6 }, 30),
            new("LSTM with a state of two numbers", options with { Hidden = 2, Dropout = 0 }, 15, OnPlane: true),
        ];
        return Run("fake-news", teach, judge, plans, progress, epochShare, againstMajority: true, open, cancellation);
    }

    /// <summary>Rows of class, title and description without a header; the class' name in words.</summary>
    public static List<LabelledText> ReadAgNews(string path)
    {
        string[] names = ["World", "Sports", "Business", "Sci/Tech"];
        return CsvTable.Read(path).ConvertAll(row => row is [var number, var title, var description]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index >= 1 && index <= names.Length
            ? new LabelledText($"{title} {description}", names[index - 1])
            : throw new InvalidDataException($"{path}: the row '{string.Join(',', row)}' is not class (1 to 4), title, description"));
    }

    /// <summary>Two CSV files with a column title.</summary>
    public static List<LabelledText> ReadFakeNews(string fake, string real)
    {
        return [.. Read(fake, "fake"), .. Read(real, "real")];

        static IEnumerable<LabelledText> Read(string path, string label)
        {
            var rows = CsvTable.Read(path);
            var column = rows.Count == 0 ? -1 : Array.IndexOf(rows[0], "title");
            if (column < 0) throw new InvalidDataException($"{path}: the header has no column 'title'");
            return rows.Skip(1).Where(row => row.Length > column).Select(row => new LabelledText(row[column], label));
        }
    }

    private static (IReadOnlyList<LabelledText> Taught, IReadOnlyList<LabelledText> Judged) Parts(
        IReadOnlyList<LabelledText> taught, IReadOnlyList<LabelledText> judged, bool inner)
    {
        var cut = taught.Count * 4 / 5;
        return inner ? ([.. taught.Take(cut)], [.. taught.Skip(cut)]) : (taught, judged);
    }

    private static ExperimentReport Run(
        string name, IReadOnlyList<LabelledText> taught, IReadOnlyList<LabelledText> judged, Plan[] plans, Action<string> progress, double epochShare,
        bool againstMajority, OpenTextEngine? open, CancellationToken cancellation)
    {
        var majority = (double)judged.GroupBy(item => item.Label).Max(group => group.Count()) / judged.Count;
        var figures = new List<ExperimentFigure>();
        if (againstMajority) figures.Add(new("always the more frequent class: accuracy", majority));
        var curves = new List<ExperimentCurve>();
        var maps = new List<ExperimentMap>();
        foreach (var plan in plans)
        {
            var epochs = Math.Max(1, (int)Math.Round(plan.Epochs * epochShare));
            using var model = Begin(plan.Options, taught, open);
            if (plan.OnPlane) maps.Add(Places($"{plan.Name}, before training", model, judged));
            var accuracies = Teach(model, plan with { Epochs = epochs }, taught, judged, progress, cancellation);
            if (plan.OnPlane) maps.Add(Places($"{plan.Name}, after training", model, judged));
            curves.Add(new ExperimentCurve(plan.Name, accuracies));
            figures.Add(new($"{plan.Name}: accuracy", accuracies[^1], AtLeast: againstMajority ? majority + 0.10 : plan.AtLeast));
            var (low, high) = Interval(accuracies[^1], judged.Count);
            figures.Add(new($"{plan.Name}: 95% interval from", low));
            figures.Add(new($"{plan.Name}: 95% interval to", high));
        }
        return new ExperimentReport(
            name, figures, curves, "accuracy on held-out texts by epoch",
            [string.Create(CultureInfo.InvariantCulture, $"{taught.Count:N0} texts taught, {judged.Count:N0} judged")]) { Maps = maps };
    }

    /// <summary>A classifier that knows words and classes, and has learned nothing.</summary>
    private static TextClassifier Begin(ModelOptions options, IReadOnlyList<LabelledText> taught, OpenTextEngine? open)
    {
        IVocabulary vocabulary = options.Vocabulary == VocabularyKind.BytePairs
            ? BytePairVocabulary.Train(taught.Select(item => item.Text), 1_500)
            : new WordVocabulary(options.MinimumCount, options.VocabularyLimit);
        foreach (var item in taught) vocabulary.Learn(item.Text);
        return new TextClassifier(options, vocabulary, taught.Select(item => item.Label).Distinct(StringComparer.Ordinal), open: open);
    }

    private static ExperimentMap Places(string name, TextClassifier model, IReadOnlyList<LabelledText> texts) =>
        new(name, [.. model.Embed([.. texts.Select(item => item.Text)]).Zip(texts, (place, item) => new ExperimentPlace(place[0], place[1], item.Label))]);

    private static List<double> Teach(
        TextClassifier model, Plan plan, IReadOnlyList<LabelledText> taught, IReadOnlyList<LabelledText> judged, Action<string> progress,
        CancellationToken cancellation)
    {
        var options = plan.Options;
        var random = new Random(options.Seed);
        var order = taught.ToArray();
        var accuracies = new List<double>();
        var steps = (order.Length + options.BatchSize - 1) / options.BatchSize;
        for (var epoch = 0; epoch < plan.Epochs; epoch++)
        {
            random.Shuffle(order);
            double loss = 0;
            for (var step = 0; step < steps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                // Down to zero in a straight line: the last epochs only polish.
                model.LearningRate = options.LearningRate * (1 - (epoch * steps + step) / (double)(plan.Epochs * steps));
                loss += model.Learn([.. order.Skip(step * options.BatchSize).Take(options.BatchSize)]) / steps;
            }
            accuracies.Add(Judge(model, judged));
            progress(string.Create(CultureInfo.InvariantCulture, $"{plan.Name}, epoch {epoch + 1}/{plan.Epochs}: loss {loss:0.000}, accuracy {accuracies[^1]:0.000}"));
        }
        return accuracies;
    }

    private static double Judge(TextClassifier model, IReadOnlyList<LabelledText> judged)
    {
        var right = 0;
        foreach (var chunk in judged.Chunk(64))
            right += model.Predict([.. chunk.Select(item => item.Text)]).Zip(chunk, (predicted, item) => predicted == item.Label).Count(hit => hit);
        return (double)right / judged.Count;
    }

    /// <summary>Wilson's interval for a share (1927), 95%.</summary>
    private static (double Low, double High) Interval(double share, int count)
    {
        const double Z = 1.959964;
        var middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count);
        var half = Z / (1 + Z * Z / count) * Math.Sqrt(share * (1 - share) / count + Z * Z / (4.0 * count * count));
        return (middle - half, middle + half);
    }
}
