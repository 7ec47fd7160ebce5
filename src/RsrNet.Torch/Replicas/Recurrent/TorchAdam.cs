using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics.Gradients;
using TorchSharp;
using static TorchSharp.torch;

namespace RsrNet.Torch.Replicas.Recurrent;

/// <summary>The gradient of a batch's loss on the device: of the table only the rows that the batch has.</summary>
/// <param name="Rows">[U] which rows.</param>
/// <param name="Table">[U, C]</param>
/// <param name="Rest">[P - V C] all tensors behind the table, one after the other.</param>
internal sealed record TextGradient(Tensor Rows, Tensor Table, Tensor Rest) : IDisposable
{
    public void Dispose()
    {
        Rows.Dispose();
        Table.Dispose();
        Rest.Dispose();
    }
}

/// <summary>
/// <see cref="ParameterAdam"/>'s twin: clipping and Adam where the weights are, with the same <see cref="AdamState"/>. Adam's step is lr c2 / c1 m / (sqrt(v) + eps c2) with
/// c1 = 1 - beta1^t, c2 = sqrt(1 - beta2^t), as <see cref="FusedAdam"/> has it. V, C = rows and columns of the table; P = all numbers that learn.
/// </summary>
internal sealed class TorchAdam : IDisposable
{
    private readonly Tensor table;
    private readonly IReadOnlyList<Tensor> rest;
    private readonly AdamState state;
    private readonly Tensor tableMean, tableVariance, restMean, restVariance;

    /// <param name="tensors">The network's, its table first; stepped in place.</param>
    /// <param name="state">Its moments are copied; its count of steps goes on.</param>
    public TorchAdam(IReadOnlyList<Tensor> tensors, AdamState state, Device device)
    {
        (table, rest, this.state) = (tensors[0], [.. tensors.Skip(1)], state);
        var inTable = (int)table.numel();
        (tableMean, restMean) = Place(state.Mean);
        (tableVariance, restVariance) = Place(state.Variance);

        (Tensor OfTable, Tensor OfRest) Place(float[] moments)
        {
            var (ofTable, ofRest) = (empty(table.shape, device: device), empty(moments.Length - inTable, device: device));
            RecursionModule.Write(ofTable, moments.AsSpan(0, inTable));
            RecursionModule.Write(ofRest, moments.AsSpan(inTable));
            return (ofTable, ofRest);
        }
    }

    /// <summary>Copies the moments back.</summary>
    public void Read()
    {
        var inTable = (int)table.numel();
        RecursionModule.Read(tableMean, state.Mean.AsSpan(0, inTable));
        RecursionModule.Read(restMean, state.Mean.AsSpan(inTable));
        RecursionModule.Read(tableVariance, state.Variance.AsSpan(0, inTable));
        RecursionModule.Read(restVariance, state.Variance.AsSpan(inTable));
    }

    /// <returns>The gradient's norm before clipping; where it is not finite nothing was stepped.</returns>
    /// <inheritdoc cref="Core.Replicas.Recurrent.ITextEngine.Apply"/>
    public double Apply(TextGradient gradient, CoordinationOptions options, double weightDecay)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var norm = Math.Sqrt((gradient.Table.square().sum() + gradient.Rest.square().sum()).item<float>());
        if (!double.IsFinite(norm)) return norm;
        var coefficient = GradientClip.Coefficient(norm, options.ClipNorm);
        state.Step++;

        var step = Step(gradient.Rest * coefficient, restMean, restVariance, options);
        long offset = 0;
        foreach (var tensor in rest)
        {
            tensor.add_(step.narrow(0, offset, tensor.numel()).view(tensor.shape));
            offset += tensor.numel();
        }
        if (gradient.Rows.numel() > 0)
        {
            Tensor mean = tableMean.index_select(0, gradient.Rows), variance = tableVariance.index_select(0, gradient.Rows);
            step = Step(gradient.Table * coefficient, mean, variance, options);
            tableMean.index_copy_(0, gradient.Rows, mean);
            tableVariance.index_copy_(0, gradient.Rows, variance);
            table.index_copy_(0, gradient.Rows, table.index_select(0, gradient.Rows) + step);
        }
        if (weightDecay > 0)
        {
            var kept = (float)(1 - options.LearningRate * weightDecay);
            table.mul_(kept);
            foreach (var tensor in rest) tensor.mul_(kept);
        }
        return norm;
    }

    public void Dispose()
    {
        foreach (var tensor in (Tensor[])[tableMean, tableVariance, restMean, restVariance]) tensor.Dispose();
    }

    /// <summary>Moves the moments, in place.</summary>
    /// <returns>What is to be added to the values.</returns>
    private Tensor Step(Tensor slope, Tensor mean, Tensor variance, CoordinationOptions options)
    {
        mean.mul_(options.Beta1).add_(slope, 1 - options.Beta1);
        variance.mul_(options.Beta2).addcmul_(slope, slope, 1 - options.Beta2);
        var correction2 = Math.Sqrt(1 - Math.Pow(options.Beta2, state.Step));
        var size = options.LearningRate * correction2 / (1 - Math.Pow(options.Beta1, state.Step));
        return mean / (variance.sqrt() + options.Epsilon * correction2) * -size;
    }
}
