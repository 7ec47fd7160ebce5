using RsrNet.Core.Replicas.Recurrent;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using static TorchSharp.torch.nn.utils.rnn;

namespace RsrNet.Torch.Replicas.Recurrent;

/// <summary><see cref="RecurrentNetwork"/>'s twin: nn.Embedding, nn.RNN, nn.LSTM or nn.GRU or nothing, nn.Linear.</summary>
public sealed class RecurrentModule : TextModule
{
    private readonly RecurrentShape shape;
    private readonly Module? layers;
    private readonly Linear fc;

    public RecurrentModule(RecurrentShape shape, Device? device = null)
        : base(nameof(RecurrentModule))
    {
        this.shape = shape;
        var embedding = nn.Embedding(shape.Vocabulary, shape.Embedding, shape.Padding < 0 ? null : shape.Padding, device: device);
        // Dropout stands between layers: of a single one PyTorch says that it does nothing.
        var dropout = shape.Layers > 1 ? shape.Dropout : 0;
        layers = shape.Cell switch
        {
            RecurrentCell.Rnn => RNN(shape.Embedding, shape.Hidden, shape.Layers, NonLinearities.Tanh, dropout: dropout, device: device),
            RecurrentCell.RnnRelu => RNN(shape.Embedding, shape.Hidden, shape.Layers, NonLinearities.ReLU, dropout: dropout, device: device),
            RecurrentCell.Lstm => LSTM(shape.Embedding, shape.Hidden, shape.Layers, dropout: dropout, device: device),
            RecurrentCell.Gru => GRU(shape.Embedding, shape.Hidden, shape.Layers, dropout: dropout, device: device),
            _ => null,
        };
        fc = Linear(shape.Summary, shape.Outputs, device: device);
        register_module("embedding", embedding);
        if (layers is not null) register_module("rnn", layers);
        register_module("fc", fc);
    }

    /// <summary>Whether there is anything to carry on.</summary>
    internal bool HasState => layers is not null;

    internal override int Padding => shape.Padding;

    internal override int Columns => shape.Summary;

    internal override int Outputs => shape.Outputs;

    internal override bool EachPosition => shape.Output == SequenceOutput.Every;

    internal override Tensor Summarize(Tensor embedded, SequenceTensors steps, StateTensors? state)
    {
        if (layers is null) return EachPosition ? embedded : steps.Mean(steps.Pad(embedded));
        state ??= new StateTensors { Hidden = Zeros(), Cell = shape.Cell == RecurrentCell.Lstm ? Zeros() : null };
        var states = Recur(steps.Pad(embedded), steps, state);
        return shape.Output switch
        {
            SequenceOutput.Every => steps.Unpad(states),
            SequenceOutput.Last => state.Hidden[-1],
            _ => steps.Mean(states),
        };

        Tensor Zeros() => zeros(shape.Layers, steps.Batch, shape.Hidden, device: embedded.device);
    }

    internal override Tensor Head(Tensor summary) => fc.call(functional.dropout(summary, shape.Dropout, training));

    /// <param name="padded">[T, B, C]</param>
    /// <returns>[T, B, H] of the last layer, zero behind each sequence's end.</returns>
    private Tensor Recur(Tensor padded, SequenceTensors steps, StateTensors state)
    {
        if (steps.IsUniform) return Pass(padded, state);
        // They are sorted; but where libtorch is told so, TorchSharp counts two tensors for each packing that nobody can dispose of.
        var packed = pack_padded_sequence(padded, steps.Lengths(), enforce_sorted: false);
        return pad_packed_sequence(Pass(packed, state)).Item1;
    }

    private Tensor Pass(Tensor input, StateTensors state)
    {
        Tensor output;
        (output, state.Hidden, state.Cell) = layers switch
        {
            LSTM lstm => lstm.call(input, (state.Hidden, state.Cell!)),
            GRU gru => WithoutCell(gru.call(input, state.Hidden)),
            _ => WithoutCell(((RNN)layers!).call(input, state.Hidden)),
        };
        return output;
    }

    private PackedSequence Pass(PackedSequence input, StateTensors state)
    {
        PackedSequence output;
        (output, state.Hidden, state.Cell) = layers switch
        {
            LSTM lstm => lstm.call(input, (state.Hidden, state.Cell!)),
            GRU gru => WithoutCell(gru.call(input, state.Hidden)),
            _ => WithoutCell(((RNN)layers!).call(input, state.Hidden)),
        };
        return output;
    }

    private static (TOutput Output, Tensor Hidden, Tensor? Cell) WithoutCell<TOutput>((TOutput Output, Tensor Hidden) result) => (result.Output, result.Hidden, null);
}
