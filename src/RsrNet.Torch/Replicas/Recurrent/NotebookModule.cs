using RsrNet.Core.Replicas.Recurrent;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RsrNet.Torch.Replicas.Recurrent;

/// <summary><see cref="NotebookLanguageModel"/>'s twin, as the notebook writes it: h = relu(h_h(h + i_h(token))), the next token from h_o(h).</summary>
public sealed class NotebookModule : TextModule
{
    private readonly NotebookStage stage;
    private readonly int vocabulary, size;
    private readonly Linear hidden, output;

    /// <param name="network">Its sizes and stage; no values are taken over.</param>
    public NotebookModule(NotebookLanguageModel network, Device? device = null)
        : base(nameof(NotebookModule))
    {
        (stage, vocabulary, size) = (network.Stage, network.Vocabulary, network.Size);
        var input = nn.Embedding(vocabulary, size, device: device);
        hidden = Linear(size, size, device: device);
        output = Linear(size, vocabulary, device: device);
        register_module("i_h", input);
        register_module("h_h", hidden);
        register_module("h_o", output);
    }

    internal override int Padding => -1;

    internal override int Columns => size;

    internal override int Outputs => vocabulary;

    internal override bool EachPosition => stage == NotebookStage.Every;

    internal override Tensor Summarize(Tensor embedded, SequenceTensors steps, StateTensors? state)
    {
        if (stage == NotebookStage.Unrolled) return Unrolled(embedded, steps.Batch);
        var h = state is null ? zeros(steps.Batch, size, device: embedded.device) : state.Hidden[0];
        var states = new Tensor[steps.Steps];
        for (var t = 0; t < steps.Steps; t++)
        {
            // Sequences that still run are the first rows.
            var rows = steps.Active(t);
            states[t] = h = Layer(h.narrow(0, 0, rows) + embedded.narrow(0, steps.Offset(t), rows));
        }
        var all = cat(states, 0);
        var last = steps.IsUniform ? h : steps.Last(all);
        if (state is not null) state.Hidden = last.unsqueeze(0);
        return EachPosition ? all : last;
    }

    internal override Tensor Head(Tensor summary) => output.call(summary);

    private Tensor Layer(Tensor x) => functional.relu(hidden.call(x));

    /// <summary>Stage 1, without a loop.</summary>
    private Tensor Unrolled(Tensor embedded, int batch)
    {
        var h = Layer(embedded.narrow(0, 0, batch));
        h = Layer(h + embedded.narrow(0, batch, batch));
        return Layer(h + embedded.narrow(0, 2 * batch, batch));
    }
}
