using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>Of the human-numbers notebook.</summary>
public enum NotebookStage
{
    /// <summary>1: of three tokens the fourth, written out without a loop.</summary>
    Unrolled,

    /// <summary>2 and, with a state that is carried on, 3: the same as a loop.</summary>
    Last,

    /// <summary>4: each position predicts its next token.</summary>
    Every,
}

/// <summary>
/// The language model of the human-numbers notebook: h = relu(W_hh (h + E[token]) + b), the next token from W_ho h. The same W takes state and token, so it is
/// the recurrent layer's weight and its input's at once.
/// </summary>
public sealed class NotebookLanguageModel : ITextNetwork
{
    /// <summary>Tokens that stage 1 reads.</summary>
    public const int UnrolledSteps = 3;

    private readonly Parameter table, hidden, hiddenBias, output, outputBias;

    /// <param name="vocabulary">V.</param>
    /// <param name="size">H.</param>
    public NotebookLanguageModel(int vocabulary, int size, NotebookStage stage, int seed)
    {
        Stage = stage;
        Parameters = new ParameterSet(
        [
            new("i_h.weight", vocabulary, size, IsTable: true), new("h_h.weight", size, size), new("h_h.bias", size),
            new("h_o.weight", vocabulary, size), new("h_o.bias", vocabulary),
        ]);
        (table, hidden, hiddenBias) = (Parameters["i_h.weight"], Parameters["h_h.weight"], Parameters["h_h.bias"]);
        (output, outputBias) = (Parameters["h_o.weight"], Parameters["h_o.bias"]);
        var random = new SplitMix64(unchecked((ulong)seed));
        ParameterInitialization.Normal(table, -1, ref random);
        foreach (var parameter in Parameters.Parameters)
        {
            if (!parameter.IsTable) ParameterInitialization.Uniform(parameter.Values, size, ref random);
        }
        Parameters.OnChanged();
    }

    public ParameterSet Parameters { get; }

    public NotebookStage Stage { get; }

    /// <summary>V.</summary>
    public int Vocabulary => table.Rows;

    /// <summary>H.</summary>
    public int Size => hidden.Rows;

    public RecurrentState NewState(int batch) => new(1, batch, Size, hasCell: false);

    /// <inheritdoc/>
    public TapeMatrix Forward(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null, bool training = false) =>
        tape.Linear(Summarize(tape, tokens, steps, state, training), output, outputBias);

    /// <inheritdoc/>
    public TapeMatrix Summarize(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null, bool training = false)
    {
        if (Stage == NotebookStage.Unrolled) return Unrolled(tape, tokens, steps, state);
        var projected = tape.EmbedAndProject(table, tokens, -1, hidden, hiddenBias);
        var start = state is null ? null : tape.Input(state.Hidden.AsSpan(0, steps.Batch * Size), steps.Batch, Size);
        var states = tape.Recur(projected, steps, hidden, Activation.Relu, start);
        for (var b = 0; state is not null && b < steps.Batch; b++) states.Values.Slice(steps.LastRow(b) * Size, Size).CopyTo(state.Hidden.AsSpan(b * Size));
        return Stage == NotebookStage.Every ? states : tape.Last(states, steps);
    }

    /// <exception cref="ArgumentException">There are not three steps for all, or a state is to be carried on.</exception>
    internal static void CheckUnrolled(PackedSteps steps, RecurrentState? state)
    {
        if (steps.Steps != UnrolledSteps || !steps.IsUniform) throw new ArgumentException($"stage 1 reads {UnrolledSteps} tokens of each sequence", nameof(steps));
        if (state is not null) throw new ArgumentException("stage 1 carries no state on", nameof(state));
    }

    private TapeMatrix Unrolled(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state)
    {
        CheckUnrolled(steps, state);
        var batch = steps.Batch;
        TapeMatrix Layer(TapeMatrix x) => tape.Activate(tape.Linear(x, hidden, hiddenBias), Activation.Relu);
        var first = Layer(tape.Embed(table, tokens[..batch]));
        var second = Layer(tape.Add(first, tape.Embed(table, tokens[batch..(2 * batch)])));
        return Layer(tape.Add(second, tape.Embed(table, tokens[(2 * batch)..])));
    }
}
