using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RsrNet.Torch.Replicas.Recurrent;

/// <summary>
/// A text model's network as a TorchSharp module with PyTorch's names: <c>state_dict()</c> gives what the checkpoints hold. It reads rows that are embedded already, because
/// the engine looks up, and steps, those rows of the table alone that a batch has.
/// </summary>
public abstract class TextModule : Module
{
    private protected TextModule(string name)
        : base(name)
    {
    }

    /// <summary>The row that never learns; -1 for none.</summary>
    internal abstract int Padding { get; }

    /// <summary>Columns of what the last layer sees.</summary>
    internal abstract int Columns { get; }

    /// <summary>Columns of the sums.</summary>
    internal abstract int Outputs { get; }

    /// <summary>Whether each position has its sums, or each sequence.</summary>
    internal abstract bool EachPosition { get; }

    /// <summary>The module of a network's kind and sizes, with values of its own.</summary>
    /// <exception cref="ArgumentException">There is no twin of this kind.</exception>
    public static TextModule Of(ITextNetwork network, Device? device = null) => network switch
    {
        RecurrentNetwork recurrent => new RecurrentModule(recurrent.Shape, device),
        NotebookLanguageModel notebook => new NotebookModule(notebook, device),
        _ => throw new ArgumentException($"libtorch has no twin of a {network.GetType().Name}; take the engine cpu", nameof(network)),
    };

    /// <summary>The values of each tensor, in the network's order.</summary>
    /// <exception cref="ArgumentException">The module lacks a tensor, or it has another shape.</exception>
    internal IReadOnlyList<Tensor> TensorsOf(ParameterSet parameters)
    {
        var tensors = named_parameters().ToDictionary(parameter => parameter.name, parameter => (Tensor)parameter.parameter);
        return [.. parameters.Parameters.Select(parameter =>
        {
            long[] shape = parameter.Columns == 0 ? [parameter.Rows] : [parameter.Rows, parameter.Columns];
            return tensors.TryGetValue(parameter.Name, out var tensor) && tensor.shape.AsSpan().SequenceEqual(shape)
                ? tensor
                : throw new ArgumentException($"the module has no tensor '{parameter.Name}' of shape [{string.Join(", ", shape)}]", nameof(parameters));
        })];
    }

    /// <summary>What the last layer sees.</summary>
    /// <param name="embedded">[N, C]</param>
    /// <param name="state">Where the sequences go on; then what they are left in. Null to start from zeros and forget.</param>
    /// <returns>[B, columns] or [N, columns]</returns>
    internal abstract Tensor Summarize(Tensor embedded, SequenceTensors steps, StateTensors? state);

    /// <param name="summary">[R, columns]</param>
    /// <returns>[R, outputs]</returns>
    internal abstract Tensor Head(Tensor summary);
}

/// <summary>h, and c of an LSTM, of all layers; written anew by each pass.</summary>
internal sealed class StateTensors
{
    /// <summary>[layers, B, H]</summary>
    public required Tensor Hidden { get; set; }

    /// <summary>[layers, B, H]; null but for an LSTM.</summary>
    public Tensor? Cell { get; set; }
}
