using RsrNet.Core.Replicas.Recurrent;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

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
        if (layers is null) return EachPosition ? embedded : steps.Mean(embedded);
        state ??= new StateTensors { Hidden = Zeros(), Cell = shape.Cell == RecurrentCell.Lstm ? Zeros() : null };
        var states = Recur(embedded, steps, state);
        return shape.Output switch
        {
            SequenceOutput.Every => states,
            SequenceOutput.Last => state.Hidden[-1],
            _ => steps.Mean(states),
        };

        Tensor Zeros() => zeros(shape.Layers, steps.Batch, shape.Hidden, device: embedded.device);
    }

    internal override Tensor Head(Tensor summary) => fc.call(functional.dropout(summary, shape.Dropout, training));

    /// <param name="embedded">[N, C]</param>
    /// <param name="state">Then that of each sequence after its own last token.</param>
    /// <returns>[N, H] of the last layer.</returns>
    private Tensor Recur(Tensor embedded, SequenceTensors steps, StateTensors state)
    {
        var inputs = steps.Split(embedded);
        var outputs = new List<Tensor>(inputs.Length);
        List<Tensor> ended = [], endedCells = [];
        for (var i = 0; i < inputs.Length; i++)
        {
            var (_, _, rows, staying) = steps.Segments[i];
            (var output, state.Hidden, state.Cell) = Pass(inputs[i], state);
            outputs.Add(output.reshape(-1, shape.Hidden));
            ended.Add(state.Hidden.narrow(1, staying, rows - staying));
            if (state.Cell is not null) endedCells.Add(state.Cell.narrow(1, staying, rows - staying));
            if (staying == 0) continue;
            // cuDNN takes no others.
            state.Hidden = state.Hidden.narrow(1, 0, staying).contiguous();
            state.Cell = state.Cell?.narrow(1, 0, staying).contiguous();
        }
        state.Hidden = SequenceTensors.Join(ended, 1);
        if (state.Cell is not null) state.Cell = SequenceTensors.Join(endedCells, 1);
        return outputs.Count == 1 ? outputs[0] : cat(outputs, 0);
    }

    /// <param name="input">[T, B, C]</param>
    private (Tensor Output, Tensor Hidden, Tensor? Cell) Pass(Tensor input, StateTensors state)
    {
        switch (layers)
        {
            case LSTM lstm:
                return lstm.call(input, (state.Hidden, state.Cell!));
            case GRU gru:
                var (output, hidden) = gru.call(input, state.Hidden);
                return (output, hidden, null);
            default:
                (output, hidden) = ((RNN)layers!).call(input, state.Hidden);
                return (output, hidden, null);
        }
    }
}
