using System.Runtime.InteropServices;
using RsrNet.Core.Replicas;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RsrNet.Torch.Replicas;

/// <summary>
/// The notebook's network as a TorchSharp module, with PyTorch's names: <c>state_dict()</c> gives what Core's safetensors files hold, and
/// <c>load_state_dict</c>, <c>save</c> and <c>load</c> work as for any module. One call: u = relu(bn1(fc1([x, y, z]))); v =
/// relu(bn2(fc2(u)));
/// y' = fc_out(v); aux = fc_aux(v); z' = relu(fc_latent(v)). B = rows; d, h, L = the network's sizes.
/// </summary>
public sealed class RecursionModule : Module<Tensor, Tensor, Tensor, (Tensor Y, Tensor Z, Tensor Aux)>
{
    private readonly Linear fc1, fc2, fcLatent, fcOut, fcAux;
    private readonly BatchNorm1d bn1, bn2;

    /// <param name="shape">Of the notebook's mode.</param>
    /// <exception cref="ArgumentException">The shape is of another mode.</exception>
    public RecursionModule(RecursionShape shape, Device? device = null) : base(nameof(RecursionModule))
    {
        if (shape.Mode != LearningMode.Notebook)
            throw new ArgumentException($"a network of the mode {shape.Mode} is not the notebook's; take {nameof(ReaderModule)}", nameof(shape));
        Shape = shape;
        var (d, h, l) = shape;
        fc1 = Linear(shape.Input, h, device: device);
        bn1 = BatchNorm1d(h, device: device);
        fc2 = Linear(h, h, device: device);
        bn2 = BatchNorm1d(h, device: device);
        fcLatent = Linear(h, l, device: device);
        fcOut = Linear(h, d, device: device);
        fcAux = Linear(h, d, device: device);
        register_module("fc1", fc1);
        register_module("bn1", bn1);
        register_module("fc2", fc2);
        register_module("bn2", bn2);
        register_module("fc_latent", fcLatent);
        register_module("fc_out", fcOut);
        register_module("fc_aux", fcAux);
    }

    public RecursionShape Shape { get; }

    /// <summary>Takes over a copy of these weights.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void Load(RecursionWeights weights)
    {
        if (weights.Shape != Shape) throw new ArgumentException(
            $"weights of shape {weights.Shape} do not fit a network of shape {Shape}", nameof(weights));
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var tensors = state_dict();
        foreach (var slot in weights.Layout.Parameters) Write(tensors[slot.Name], slot.Of(weights.Parameters));
        foreach (var slot in weights.Layout.Statistics) Write(tensors[slot.Name], slot.Of(weights.Statistics));
        foreach (var norm in (BatchNorm1d[])[bn1, bn2]) norm.num_batches_tracked!.fill_(weights.BatchesTracked);
    }

    /// <returns>A copy of the weights as Core has them.</returns>
    public RecursionWeights ToWeights()
    {
        using var scope = NewDisposeScope();
        var weights = new RecursionWeights(Shape);
        var tensors = state_dict();
        foreach (var slot in weights.Layout.Parameters) Read(tensors[slot.Name], slot.Of(weights.Parameters));
        foreach (var slot in weights.Layout.Statistics) Read(tensors[slot.Name], slot.Of(weights.Statistics));
        weights.BatchesTracked = bn1.num_batches_tracked!.item<long>();
        return weights;
    }

    /// <summary>One call of the network, with batch statistics in training mode.</summary>
    /// <param name="x">[B, d]</param>
    /// <param name="y">[B, d]</param>
    /// <param name="z">[B, L]</param>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    public override (Tensor Y, Tensor Z, Tensor Aux) forward(Tensor x, Tensor y, Tensor z)
    {
        // libtorch would end the process.
        Check(x, Shape.D, nameof(x), x.shape[0]);
        Check(y, Shape.D, nameof(y), x.shape[0]);
        Check(z, Shape.L, nameof(z), x.shape[0]);
        if (training)
        {
            using var one = tensor(1L, device: x.device);
            foreach (var norm in (BatchNorm1d[])[bn1, bn2]) norm.num_batches_tracked!.add_(one);
        }
        var v = Hidden(FromArticle(x), StateWeight(), y, z);
        return (Output(v), Latent(v), functional.linear(v, fcAux.weight, fcAux.bias));
    }

    /// <summary>x does not change from call to call: what it adds to fc1 is computed once.</summary>
    /// <param name="x">[B, d]</param>
    /// <returns>[B, h]</returns>
    internal Tensor FromArticle(Tensor x) => functional.linear(x, fc1.weight.narrow(1, 0, Shape.D), fc1.bias);

    /// <returns>[d + L, h], what fc1 multiplies y and z with.</returns>
    internal Tensor StateWeight() => fc1.weight.narrow(1, Shape.D, Shape.D + Shape.L).t();

    /// <param name="fromArticle">[B, h] <see cref="FromArticle"/>.</param>
    /// <param name="stateWeight">[d + L, h] <see cref="StateWeight"/>.</param>
    /// <returns>[B, h] v</returns>
    internal Tensor Hidden(Tensor fromArticle, Tensor stateWeight, Tensor y, Tensor z)
    {
        var u = functional.relu(Normalise(bn1, addmm(fromArticle, cat([y, z], 1), stateWeight, 1, 1)));
        return functional.relu(Normalise(bn2, functional.linear(u, fc2.weight, fc2.bias)));
    }

    /// <param name="v">[B, h]</param>
    /// <returns>[B, d] y'</returns>
    internal Tensor Output(Tensor v) => functional.linear(v, fcOut.weight, fcOut.bias);

    /// <param name="v">[B, h]</param>
    /// <returns>[B, L] z'</returns>
    internal Tensor Latent(Tensor v) => functional.relu(functional.linear(v, fcLatent.weight, fcLatent.bias));

    /// <summary>The module would count the batches with an operation of its own, call by call.</summary>
    private Tensor Normalise(BatchNorm1d norm, Tensor values) => functional.batch_norm(
        values, norm.running_mean, norm.running_var, norm.weight, norm.bias, training, norm.momentum ?? 0.1, norm.eps);

    private static void Check(Tensor tensor, int columns, string name, long rows)
    {
        if (tensor.dim() != 2 || tensor.shape[0] != rows || tensor.shape[1] != columns)
            throw new ArgumentException($"{name} has shape [{string.Join(", ", tensor.shape)}], not [{rows}, {columns}]", name);
    }

    internal static void Write(Tensor tensor, ReadOnlySpan<float> values)
    {
        if (tensor.device_type == DeviceType.CPU)
        {
            values.CopyTo(MemoryMarshal.Cast<byte, float>(tensor.bytes));
            return;
        }
        using var staging = empty_like(tensor, device: CPU);
        values.CopyTo(MemoryMarshal.Cast<byte, float>(staging.bytes));
        tensor.copy_(staging);
    }

    internal static void Read(Tensor tensor, Span<float> values)
    {
        using var near = tensor.cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(near.bytes).CopyTo(values);
    }
}
