using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>
/// The language model of the human-numbers notebook: h = relu(W_hh (h + E[token]) + b), the next token from W_ho h. The same W takes state and token, so it is
/// the recurrent layer's weight and its input's at once.
/// </summary>
public sealed class NotebookLanguageModel
{
    private readonly Parameter table, hidden, hiddenBias, output, outputBias;

    /// <param name="vocabulary">V.</param>
    /// <param name="size">H.</param>
    public NotebookLanguageModel(int vocabulary, int size, int seed)
    {
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

    /// <summary>H.</summary>
    public int Size => hidden.Rows;

    /// <summary>Stage 1: three tokens, written out without a loop.</summary>
    /// <param name="tokens">[3, B], step by step.</param>
    /// <returns>[B, V], what comes fourth.</returns>
    public TapeMatrix Unrolled(Tape tape, ReadOnlySpan<int> tokens)
    {
        var batch = tokens.Length / 3;
        TapeMatrix Layer(TapeMatrix x) => tape.Activate(tape.Linear(x, hidden, hiddenBias), Activation.Relu);
        var first = Layer(tape.Embed(table, tokens[..batch]));
        var second = Layer(tape.Add(first, tape.Embed(table, tokens[batch..(2 * batch)])));
        var third = Layer(tape.Add(second, tape.Embed(table, tokens[(2 * batch)..])));
        return tape.Linear(third, output, outputBias);
    }

    /// <summary>Stages 2 to 4: the same as a loop over all steps, in one layer.</summary>
    /// <param name="tokens">[N], where <paramref name="steps"/> says.</param>
    /// <param name="state">[B, H] h before, then after; empty to start from zeros and forget.</param>
    /// <param name="every">Whether each position predicts its next token, or the last one alone.</param>
    /// <returns>[N, V] or [B, V]</returns>
    public TapeMatrix Forward(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, Span<float> state, bool every)
    {
        var projected = tape.EmbedAndProject(table, tokens, -1, hidden, hiddenBias);
        var start = state.IsEmpty ? null : tape.Input(state, steps.Batch, Size);
        var states = tape.Recur(projected, steps, hidden, Activation.Relu, start);
        var last = every && state.IsEmpty ? null : tape.Last(states, steps);
        if (!state.IsEmpty) last!.Values.CopyTo(state);
        return tape.Linear(every ? states : last!, output, outputBias);
    }
}
