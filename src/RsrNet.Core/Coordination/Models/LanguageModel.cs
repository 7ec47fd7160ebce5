using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>What comes next in a text, learned from texts as they come. Each begins with BOS and ends with EOS.</summary>
public sealed class LanguageModel : TextModel
{
    private readonly PackedSteps one = new();

    public LanguageModel(ModelOptions options, IVocabulary vocabulary, RecurrentNetwork? network = null, AdamState? state = null)
        : base(options, vocabulary, network ?? Begin(options, Math.Max(vocabulary.Count, 64)), state) => one.Set(1, 1);

    /// <summary>
    /// Learns from texts, a window at a time, each in one update: the state goes on from window to window of the same text, the gradient does not.
    /// </summary>
    /// <returns>Over all tokens, each predicted before it was learned from: mean loss and how many were right.</returns>
    public TapeLoss Learn(IReadOnlyList<string> texts)
    {
        foreach (var text in texts) Vocabulary.Learn(text);
        MakeRoom(outputs: 0);
        return Read(texts, learn: true);
    }

    /// <summary>The same without learning.</summary>
    public TapeLoss Evaluate(IReadOnlyList<string> texts) => Read(texts, learn: false);

    /// <summary>The state after a text, from which to go on.</summary>
    /// <param name="text">May be empty: the state after BOS.</param>
    /// <param name="last">The logits of what comes next, [V].</param>
    public RecurrentState Follow(string text, out float[] last)
    {
        var tokens = new List<int> { SpecialToken.Begin };
        Vocabulary.Encode(text, tokens);
        var state = new RecurrentState(Network.Shape, 1);
        last = [];
        for (var from = 0; from < tokens.Count; from += Options.Window)
        {
            Tape.Clear();
            Batch.Set([tokens.GetRange(from, Math.Min(Options.Window, tokens.Count - from))]);
            var logits = Network.Forward(Tape, Batch.Tokens, Batch.Steps, state);
            last = logits.Values[((logits.Rows - 1) * logits.Columns)..].ToArray();
        }
        return state;
    }

    /// <summary>Goes on by one token.</summary>
    /// <param name="next">[V] logits of what comes after it.</param>
    public void Step(int token, RecurrentState state, Span<float> next)
    {
        Tape.Clear();
        Network.Forward(Tape, [token], one, state).Values.CopyTo(next);
    }

    private static RecurrentNetwork Begin(ModelOptions options, int room) =>
        RecurrentNetwork.Create(ShapeOf(options, room, room), options.Seed);

    private TapeLoss Read(IReadOnlyList<string> texts, bool learn)
    {
        var sequences = new List<List<int>>(texts.Count);
        foreach (var text in texts)
        {
            var tokens = new List<int> { SpecialToken.Begin };
            Vocabulary.Encode(text, tokens);
            if (tokens.Count > Options.MaxTokens + 1) tokens.RemoveRange(Options.MaxTokens + 1, tokens.Count - Options.MaxTokens - 1);
            tokens.Add(SpecialToken.End);
            sequences.Add(tokens);
        }
        // Longest first, so that those which go on are the first rows of the state in every window.
        sequences.Sort((a, b) => b.Count.CompareTo(a.Count));
        var state = new RecurrentState(Network.Shape, sequences.Count);
        var sum = default(TapeLoss);
        for (var from = 0; ; from += Options.Window)
        {
            var running = sequences.TakeWhile(sequence => sequence.Count > from + 1).ToList();
            if (running.Count == 0) return sum with { Value = sum.Count == 0 ? 0 : sum.Value / sum.Count };
            var loss = ReadWindow(running, from, state, learn);
            sum = new TapeLoss(sum.Value + loss.Value * loss.Count, sum.Count + loss.Count, sum.Hits + loss.Hits);
        }
    }

    private TapeLoss ReadWindow(List<List<int>> running, int from, RecurrentState state, bool learn)
    {
        int LengthOf(List<int> sequence) => Math.Min(Options.Window, sequence.Count - 1 - from);
        Tape.Clear();
        Batch.Set(running.ConvertAll(sequence => sequence.GetRange(from, LengthOf(sequence))));
        var targets = new int[Batch.Steps.Rows];
        for (var b = 0; b < running.Count; b++)
        {
            for (var t = 0; t < LengthOf(running[b]); t++) targets[Batch.Steps.Offset(t) + b] = running[b][from + t + 1];
        }
        var logits = Network.Forward(Tape, Batch.Tokens, Batch.Steps, state, training: learn);
        var loss = Tape.CrossEntropy(logits, targets, ignored: SpecialToken.Padding, learn);
        if (learn) Update();
        return loss;
    }
}
