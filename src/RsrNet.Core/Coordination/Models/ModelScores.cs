namespace RsrNet.Core.Coordination.Models;

/// <summary>How often a class was right. Counted before each article was learned from.</summary>
/// <param name="Articles">With this label.</param>
/// <param name="Predicted">Articles for which it was said.</param>
/// <param name="Hits">Both.</param>
public sealed record ClassCount(long Articles, long Predicted, long Hits)
{
    /// <summary>Null where it was never said.</summary>
    public double? Precision => Predicted == 0 ? null : (double)Hits / Predicted;

    /// <summary>Null where there was none.</summary>
    public double? Recall => Articles == 0 ? null : (double)Hits / Articles;
}

/// <summary>A point of a model's past.</summary>
/// <param name="Articles">Learned from until then.</param>
/// <param name="Accuracy">In [0, 1], over the articles since the point before.</param>
/// <param name="Loss">Likewise; of a language model per token.</param>
public sealed record ScorePoint(long Articles, double Accuracy, double Loss);

/// <summary>Prequential figures of a model: every article is judged before it is learned from. Written by one thread.</summary>
public sealed class ModelScores
{
    private const int MostPoints = 240;

    /// <summary>Articles that weigh in the running figures.</summary>
    private const int Window = 500;

    private readonly Dictionary<string, ClassCount> classes = new(StringComparer.Ordinal);
    private readonly List<ScorePoint> history = [];
    private double sinceLoss;
    private long sinceHits, sinceCount, sinceArticles;

    /// <summary>Learned from.</summary>
    public long Articles { get; private set; }

    /// <summary>Predictions judged: articles, or a language model's tokens.</summary>
    public long Count { get; private set; }

    public long Hits { get; private set; }

    /// <summary>Sum over the predictions.</summary>
    public double LossSum { get; private set; }

    /// <summary>Articles from one point of the history to the next; doubles when there are too many.</summary>
    public long Stride { get; private set; } = 20;

    /// <summary>In [0, 1], over about the last 500 articles; null before the first.</summary>
    public double? Accuracy { get; private set; }

    /// <summary>Over about the last 500 articles; null before the first.</summary>
    public double? Loss { get; private set; }

    public IReadOnlyDictionary<string, ClassCount> Classes => classes;

    public IReadOnlyList<ScorePoint> History => history;

    /// <param name="articles">Of the batch.</param>
    /// <param name="count">Predictions.</param>
    /// <param name="loss">Mean over them; one that is not finite says nothing and is left out.</param>
    public void Add(int articles, int count, int hits, double loss)
    {
        if (count == 0) return;
        if (!double.IsFinite(loss)) loss = Loss ?? 0;
        Articles += articles;
        Count += count;
        Hits += hits;
        LossSum += loss * count;
        var share = (double)hits / count;
        // The mean of all until the window is full, then each article weighs one part of it.
        var weight = Math.Max((double)articles / Window, (double)articles / Articles);
        Accuracy = Accuracy is { } before ? before + Math.Min(1, weight) * (share - before) : share;
        Loss = Loss is { } lossBefore ? lossBefore + Math.Min(1, weight) * (loss - lossBefore) : loss;
        sinceLoss += loss * count;
        sinceHits += hits;
        sinceCount += count;
        sinceArticles += articles;
        if (sinceArticles >= Stride) AddPoint();
    }

    /// <summary>One article of a classifier.</summary>
    /// <param name="predicted">Null where nothing could be said yet.</param>
    public void AddClass(string label, string? predicted)
    {
        var count = classes.GetValueOrDefault(label) ?? new ClassCount(0, 0, 0);
        classes[label] = count with { Articles = count.Articles + 1, Hits = count.Hits + (predicted == label ? 1 : 0) };
        if (predicted is null) return;
        var said = classes.GetValueOrDefault(predicted) ?? new ClassCount(0, 0, 0);
        classes[predicted] = said with { Predicted = said.Predicted + 1 };
    }

    /// <summary>A copy that does not change, for readers and checkpoints.</summary>
    public ModelScoreSnapshot Read() => new(
        Articles, Count, Hits, LossSum, Accuracy, Loss, Stride, new Dictionary<string, ClassCount>(classes, StringComparer.Ordinal), [.. history]);

    /// <summary>Goes on from what a checkpoint holds.</summary>
    public static ModelScores From(ModelScoreSnapshot snapshot)
    {
        var scores = new ModelScores
        {
            Articles = snapshot.Articles, Count = snapshot.Count, Hits = snapshot.Hits, LossSum = snapshot.LossSum, Accuracy = snapshot.Accuracy,
            Loss = snapshot.Loss, Stride = snapshot.Stride,
        };
        foreach (var (label, count) in snapshot.Classes) scores.classes[label] = count;
        scores.history.AddRange(snapshot.History);
        return scores;
    }

    private void AddPoint()
    {
        history.Add(new ScorePoint(Articles, (double)sinceHits / sinceCount, sinceLoss / sinceCount));
        (sinceLoss, sinceHits, sinceCount, sinceArticles) = (0, 0, 0, 0);
        if (history.Count <= MostPoints) return;
        // Every second point goes; the ones that stay speak for both.
        for (var i = 0; i + 1 < history.Count; i += 2)
            history[i / 2] = new ScorePoint(history[i + 1].Articles, (history[i].Accuracy + history[i + 1].Accuracy) / 2, (history[i].Loss + history[i + 1].Loss) / 2);
        history.RemoveRange(history.Count / 2, history.Count - history.Count / 2);
        Stride *= 2;
    }
}

/// <inheritdoc cref="ModelScores"/>
public sealed record ModelScoreSnapshot(
    long Articles, long Count, long Hits, double LossSum, double? Accuracy, double? Loss, long Stride, IReadOnlyDictionary<string, ClassCount> Classes,
    IReadOnlyList<ScorePoint> History);
