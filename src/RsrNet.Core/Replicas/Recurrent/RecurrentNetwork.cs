using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>Embedding, recurrent layers and a linear layer, with PyTorch's names: a classifier's network, or a language model's.</summary>
public sealed class RecurrentNetwork : ITextNetwork
{
    private readonly Parameter table, head, headBias;
    private readonly RecurrentWeights[] layers;
    private int[] shown = [];

    /// <param name="shape">Values are zero until somebody writes them; <see cref="Create"/> begins as PyTorch does.</param>
    public RecurrentNetwork(RecurrentShape shape)
        : this(shape, null)
    {
    }

    private RecurrentNetwork(RecurrentShape shape, ParameterSet? source)
    {
        Shape = shape;
        Parameters = new ParameterSet(shape.Parameters(), source);
        (table, head, headBias) = (Parameters["embedding.weight"], Parameters["fc.weight"], Parameters["fc.bias"]);
        layers = shape.Cell == RecurrentCell.Mean ? [] : [.. Enumerable.Range(0, shape.Layers).Select(layer => new RecurrentWeights(Parameters, layer))];
    }

    public RecurrentShape Shape { get; }

    public ParameterSet Parameters { get; }

    public static RecurrentNetwork Create(RecurrentShape shape, int seed)
    {
        var network = new RecurrentNetwork(shape);
        var random = new SplitMix64(unchecked((ulong)seed));
        foreach (var parameter in network.Parameters.Parameters)
        {
            if (parameter.IsTable) ParameterInitialization.Normal(parameter, shape.Padding, ref random);
            else ParameterInitialization.Uniform(parameter.Values, parameter.Name.StartsWith("fc.", StringComparison.Ordinal) ? shape.Summary : shape.Hidden, ref random);
        }
        network.Parameters.OnChanged();
        return network;
    }

    /// <summary>Another network over the same values, with a gradient of its own: for a replica on another thread, while nobody changes the values.</summary>
    public RecurrentNetwork Replicate() => new(Shape, Parameters);

    public RecurrentState NewState(int batch) => new(Shape, batch);

    /// <inheritdoc/>
    public TapeMatrix Forward(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null, bool training = false)
    {
        var summary = Summarize(tape, tokens, steps, state, training);
        if (training) summary = tape.Dropout(summary, Shape.Dropout);
        return tape.Linear(summary, head, headBias);
    }

    /// <summary>What the linear layer sees: a document's embedding in a classifier.</summary>
    /// <returns>[B, H], [B, C] where nothing is recurrent, or [N, H]</returns>
    public TapeMatrix Summarize(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null, bool training = false)
    {
        if (tokens.Length != steps.Rows) throw new ArgumentException($"{tokens.Length} tokens for {steps.Rows} places", nameof(tokens));
        var states = States(tape, training ? TokenDropout.Hide(tokens, Shape, ref shown, ref tape.Random) : tokens, steps, state, training);
        return Shape.Output switch
        {
            SequenceOutput.Every => states,
            SequenceOutput.Last when Shape.Cell != RecurrentCell.Mean => tape.Last(states, steps),
            _ => tape.Mean(states, steps),
        };
    }

    private TapeMatrix States(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state, bool training)
    {
        if (Shape.Cell == RecurrentCell.Mean) return tape.Embed(table, tokens, Shape.Padding);
        TapeMatrix? states = null;
        for (var layer = 0; layer < Shape.Layers; layer++)
        {
            var (input, inputBias, recurrent, recurrentBias) = layers[layer];
            // A GRU's second bias stands inside the reset gate's product, so the layer itself adds it.
            var second = Shape.Cell == RecurrentCell.Gru ? null : recurrentBias;
            if (states is not null && training) states = tape.Dropout(states, Shape.Dropout);
            var projected = states is null
                ? tape.EmbedAndProject(table, tokens, Shape.Padding, input, inputBias, second)
                : tape.Linear(states, input, inputBias, second);
            var start = state is null ? null : tape.Input(state.HiddenOf(layer)[..(steps.Batch * Shape.Hidden)], steps.Batch, Shape.Hidden);
            switch (Shape.Cell)
            {
                case RecurrentCell.Lstm:
                    var startCell = state is null ? null : tape.Input(state.CellOf(layer)[..(steps.Batch * Shape.Hidden)], steps.Batch, Shape.Hidden);
                    states = tape.RecurLstm(projected, steps, recurrent, start, startCell, out var cell);
                    if (state is not null) Keep(cell, steps, state.CellOf(layer));
                    break;
                case RecurrentCell.Gru:
                    states = tape.RecurGru(projected, steps, recurrent, recurrentBias, start);
                    break;
                default:
                    states = tape.Recur(projected, steps, recurrent, Shape.Cell == RecurrentCell.Rnn ? Activation.Tanh : Activation.Relu, start);
                    break;
            }
            if (state is not null) Keep(states, steps, state.HiddenOf(layer));
        }
        return states!;
    }

    private void Keep(TapeMatrix states, PackedSteps steps, Span<float> into)
    {
        for (var b = 0; b < steps.Batch; b++)
            states.Values.Slice(steps.LastRow(b) * Shape.Hidden, Shape.Hidden).CopyTo(into[(b * Shape.Hidden)..]);
    }

    /// <summary>
    /// The same network with room for more tokens and outputs. What is new begins as PyTorch would have it; nothing that was there changes, Adam's
    /// moments included.
    /// </summary>
    public (RecurrentNetwork Network, AdamState State) Grow(int vocabulary, int outputs, AdamState state, int seed)
    {
        var grown = Create(Shape with { Vocabulary = Math.Max(vocabulary, Shape.Vocabulary), Outputs = Math.Max(outputs, Shape.Outputs) }, seed);
        var moments = new AdamState(grown.Parameters.Values.Length) { Step = state.Step };
        foreach (var parameter in Parameters.Parameters)
        {
            var target = grown.Parameters[parameter.Name];
            parameter.Values.CopyTo(target.Values);
            state.Mean.AsSpan(parameter.Offset, parameter.Length).CopyTo(moments.Mean.AsSpan(target.Offset));
            state.Variance.AsSpan(parameter.Offset, parameter.Length).CopyTo(moments.Variance.AsSpan(target.Offset));
        }
        grown.Parameters.OnChanged();
        return (grown, moments);
    }
}

/// <summary>The tensors of one recurrent layer.</summary>
internal sealed record RecurrentWeights(Parameter Input, Parameter InputBias, Parameter Recurrent, Parameter RecurrentBias)
{
    public RecurrentWeights(ParameterSet parameters, int layer)
        : this(
            parameters[$"rnn.weight_ih_l{layer}"], parameters[$"rnn.bias_ih_l{layer}"],
            parameters[$"rnn.weight_hh_l{layer}"], parameters[$"rnn.bias_hh_l{layer}"])
    {
    }
}
