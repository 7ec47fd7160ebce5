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
        List<Tensor> states = [], ended = [];
        foreach (var (input, segment) in steps.Split(embedded).Zip(steps.Segments))
        {
            foreach (var x in input.unbind(0)) states.Add(h = Layer(h + x));
            ended.Add(h.narrow(0, segment.Staying, segment.Rows - segment.Staying));
            h = h.narrow(0, 0, segment.Staying);
        }
        var last = SequenceTensors.Join(ended, 0);
        if (state is not null) state.Hidden = last.unsqueeze(0);
        return EachPosition ? cat(states, 0) : last;
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
