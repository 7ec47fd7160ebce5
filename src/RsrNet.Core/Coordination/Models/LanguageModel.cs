using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>What comes next in a text, learned from texts as they come. Each begins with BOS and ends with EOS.</summary>
public sealed class LanguageModel : TextModel
{
    private readonly PackedSteps one = new();

    /// <param name="open">What it computes on; null for our own tape.</param>
    public LanguageModel(
        ModelOptions options, IVocabulary vocabulary, RecurrentNetwork? network = null, AdamState? state = null, OpenTextEngine? open = null)
        : base(options, vocabulary, network ?? Begin(options, Math.Max(vocabulary.Count, 64)), state, open) => one.Set(1, 1);

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
        var state = new RecurrentState(Shape, 1);
        last = [];
        for (var from = 0; from < tokens.Count; from += Options.Window)
        {
            Batch.Set([tokens.GetRange(from, Math.Min(Options.Window, tokens.Count - from))]);
            last = Engine.Forward(Batch.Tokens, Batch.Steps, state)[^Shape.Outputs..].ToArray();
        }
        return state;
    }

    /// <summary>Goes on by one token.</summary>
    /// <param name="next">[V] logits of what comes after it.</param>
    public void Step(int token, RecurrentState state, Span<float> next) => Engine.Forward([token], one, state).CopyTo(next);

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
        var shares = Deal(sequences, learn ? Shares : 1);
        var sum = default(TapeLoss);
        for (var from = 0; ; from += Options.Window)
        {
            var running = shares.ConvertAll(share => share.At(from, Options.Window)).FindAll(share => share.Sequences.Count > 0);
            if (running.Count == 0) return sum with { Value = sum.Count == 0 ? 0 : sum.Value / sum.Count };
            var loss = learn ? Update(running, Differentiate) : Evaluate(running[0]);
            sum = new TapeLoss(sum.Value + loss.Value * loss.Count, sum.Count + loss.Count, sum.Hits + loss.Hits);
        }
    }

    /// <summary>Dealt in turn, longest first: those that go on are the first rows of a share's state in every window, and the shares are about alike.</summary>
    private List<Share> Deal(List<List<int>> sequences, int count)
    {
        sequences.Sort((a, b) => b.Count.CompareTo(a.Count));
        var shares = new List<Share>();
        for (var number = 0; number < count; number++)
        {
            var own = sequences.Where((_, i) => i % count == number).ToList();
            if (own.Count > 0) shares.Add(new Share(own, new RecurrentState(Shape, own.Count)));
        }
        return shares;
    }

    private TapeLoss Evaluate(Window window)
    {
        var targets = Place(Batch, window);
        return Engine.Evaluate(Batch.Tokens, Batch.Steps, targets, window.State, SpecialToken.Padding);
    }

    private static TapeLoss Differentiate(ITextEngine engine, SequenceBatch batch, Window window)
    {
        var targets = Place(batch, window);
        return engine.Differentiate(batch.Tokens, batch.Steps, targets, window.State, SpecialToken.Padding);
    }

    /// <returns>What comes after each token.</returns>
    private static int[] Place(SequenceBatch batch, Window window)
    {
        var running = window.Sequences;
        batch.Set(running.ConvertAll(sequence => sequence.GetRange(window.From, window.LengthOf(sequence))));
        var targets = new int[batch.Steps.Rows];
        for (var b = 0; b < running.Count; b++)
        {
            for (var t = 0; t < window.LengthOf(running[b]); t++) targets[batch.Steps.Offset(t) + b] = running[b][window.From + t + 1];
        }
        return targets;
    }

    /// <summary>Texts that one replica reads, longest first, and what it carries from window to window of them.</summary>
    private sealed record Share(List<List<int>> Sequences, RecurrentState State)
    {
        public Window At(int from, int length) => new(Sequences.FindAll(sequence => sequence.Count > from + 1), State, from, length);
    }

    /// <param name="Sequences">Those that reach so far.</param>
    private sealed record Window(List<List<int>> Sequences, RecurrentState State, int From, int Length)
    {
        public int LengthOf(List<int> sequence) => Math.Min(Length, sequence.Count - 1 - From);
    }
}
