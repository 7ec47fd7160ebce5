using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <param name="Probability">In [0, 1]; all classes together make 1.</param>
public sealed record ClassScore(string Label, double Probability);

/// <summary>A text and its class.</summary>
public readonly record struct LabelledText(string Text, string Label);

/// <summary>A text's class, learned from labelled texts as they come; a label that was never seen before is a new class.</summary>
public sealed class TextClassifier : TextModel
{
    private readonly List<string> classes;
    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);

    /// <param name="classes">In the order of the network's outputs; none at first.</param>
    /// <param name="open">What it computes on; null for our own tape.</param>
    public TextClassifier(
        ModelOptions options, IVocabulary vocabulary, IEnumerable<string>? classes = null, RecurrentNetwork? network = null, AdamState? state = null,
        OpenTextEngine? open = null)
        : base(options, vocabulary, network ?? RecurrentNetwork.Create(ShapeOf(options, Math.Max(vocabulary.Count, 256), 1), options.Seed), state, open)
    {
        this.classes = [.. classes ?? []];
        for (var i = 0; i < this.classes.Count; i++) numbers.Add(this.classes[i], i);
    }

    /// <summary>In the order of the network's outputs.</summary>
    public IReadOnlyList<string> Classes => classes;

    /// <summary>All classes, likeliest first; none before anything was learned.</summary>
    public IReadOnlyList<ClassScore> Classify(string text)
    {
        if (classes.Count == 0) return [];
        Place([text]);
        return Scores(Engine.Forward(Batch.Tokens, Batch.Steps)[..classes.Count]);
    }

    /// <summary>What the last layer sees of each text: its embedding.</summary>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts)
    {
        Place(texts);
        var summary = Engine.Summarize(Batch.Tokens, Batch.Steps);
        var columns = Shape.Summary;
        var vectors = new float[texts.Count][];
        for (var b = 0; b < texts.Count; b++) vectors[Batch.Order[b]] = summary.Slice(b * columns, columns).ToArray();
        return vectors;
    }

    /// <summary>The likeliest class of each text; null before anything was learned.</summary>
    public IReadOnlyList<string?> Predict(IReadOnlyList<string> texts)
    {
        var predicted = new string?[texts.Count];
        if (classes.Count == 0) return predicted;
        Place(texts);
        var logits = Engine.Forward(Batch.Tokens, Batch.Steps);
        for (var b = 0; b < texts.Count; b++) predicted[Batch.Order[b]] = classes[Largest(logits.Slice(b * Shape.Outputs, classes.Count))];
        return predicted;
    }

    /// <summary>Learns from one batch, in one update.</summary>
    /// <returns>Mean loss of the batch before the update.</returns>
    public double Learn(IReadOnlyList<LabelledText> batch)
    {
        foreach (var (text, label) in batch)
        {
            Vocabulary.Learn(text);
            if (numbers.TryAdd(label, classes.Count)) classes.Add(label);
        }
        MakeRoom(classes.Count);
        return Update(Deal(batch), Differentiate).Value;
    }

    /// <summary>The batch's texts in turn.</summary>
    private List<LabelledText>[] Deal(IReadOnlyList<LabelledText> batch)
    {
        var shares = new List<LabelledText>[Math.Min(Shares, batch.Count)];
        for (var i = 0; i < shares.Length; i++) shares[i] = [];
        for (var i = 0; i < batch.Count; i++) shares[i % shares.Length].Add(batch[i]);
        return shares;
    }

    private TapeLoss Differentiate(ITextEngine engine, SequenceBatch batch, List<LabelledText> texts)
    {
        batch.Set(texts.ConvertAll(item => Tokens(item.Text)), Options.MaxTokens);
        var targets = new int[texts.Count];
        for (var b = 0; b < texts.Count; b++) targets[b] = numbers[texts[batch.Order[b]].Label];
        return engine.Differentiate(batch.Tokens, batch.Steps, targets);
    }

    private static int Largest(ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best]) best = i;
        }
        return best;
    }

    private void Place(IReadOnlyList<string> texts) => Batch.Set([.. texts.Select(Tokens)], Options.MaxTokens);

    private List<ClassScore> Scores(ReadOnlySpan<float> logits)
    {
        var scores = new List<ClassScore>(logits.Length);
        var top = logits[Largest(logits)];
        double sum = 0;
        foreach (var logit in logits) sum += Math.Exp(logit - top);
        for (var i = 0; i < logits.Length; i++) scores.Add(new ClassScore(classes[i], Math.Exp(logits[i] - top) / sum));
        scores.Sort((a, b) => b.Probability.CompareTo(a.Probability));
        return scores;
    }
}
