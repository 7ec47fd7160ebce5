using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RsrNet.Torch.Replicas.Recurrent;

/// <summary>
/// Text models by libtorch's layers and its automatic gradient. Weights and moments stay on the device from step to step; every call waits for the device's thread, and
/// several engines may share a device. B = sequences, N = their tokens, R = rows of sums: B, or N where every position has its own.
/// </summary>
/// <remarks>Dropout draws from libtorch's generator of the device, which all engines on it share: its numbers come again only for one model alone.</remarks>
public sealed class TorchTextEngine : ITextEngine
{
    private readonly TorchDevice device;
    private readonly DistinctTokens distinct = new();
    private CoordinationOptions options;
    private ITextNetwork network;
    private TextModule module;
    private IReadOnlyList<Tensor> tensors;
    private TorchAdam adam;
    private TextGradient? gradient;

    /// <summary>Of hidden tokens.</summary>
    private SplitMix64 random;
    private int[] shown = [], wanted = [];
    private float[] result = [];

    /// <summary>Whether the device is ahead of network and moments.</summary>
    private bool isAhead;

    /// <param name="device">Not disposed with the engine.</param>
    /// <exception cref="ArgumentException">libtorch has no twin of the network, or the moments are of another.</exception>
    /// <inheritdoc cref="OpenTextEngine"/>
    public TorchTextEngine(TorchDevice device, ITextNetwork network, AdamState optimizer, CoordinationOptions options, int seed)
    {
        (this.device, this.options, this.network) = (device, options, network);
        random = new SplitMix64(unchecked((ulong)seed));
        (module, tensors, adam) = Place(network, optimizer);
        if (network is RecurrentNetwork { Shape.Dropout: > 0 }) device.Run(() => manual_seed(seed).Dispose());
    }

    public double LearningRate
    {
        get => options.LearningRate;
        set => options = options with { LearningRate = value };
    }

    public ReadOnlySpan<float> Forward(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null) => Compute(tokens, steps, state, head: true);

    public ReadOnlySpan<float> Summarize(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null) => Compute(tokens, steps, state, head: false);

    public TapeLoss Evaluate(
        ReadOnlySpan<int> tokens, PackedSteps steps, ReadOnlySpan<int> targets, RecurrentState? state = null, int ignored = ITextEngine.NoTarget)
    {
        Check(tokens, steps, state);
        var count = Check(steps, targets, ignored);
        distinct.Set(tokens, network.Parameters.Parameters[0].Rows);
        return device.Run(() =>
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            module.eval();
            var logits = Logits(Rows(Numbers()), steps, state);
            return Loss(logits, ignored, count).Read();
        });
    }

    public TapeLoss Differentiate(
        ReadOnlySpan<int> tokens, PackedSteps steps, ReadOnlySpan<int> targets, RecurrentState? state = null, int ignored = ITextEngine.NoTarget)
    {
        Check(tokens, steps, state);
        var count = Check(steps, targets, ignored);
        if (network is RecurrentNetwork recurrent) tokens = TokenDropout.Hide(tokens, recurrent.Shape, ref shown, ref random);
        distinct.Set(tokens, network.Parameters.Parameters[0].Rows);
        return device.Run(() =>
        {
            using var scope = NewDisposeScope();
            module.train();
            gradient?.Dispose();
            var numbers = Numbers();
            // A leaf: its gradient is that of the table's rows that are used, and no other row is touched.
            var rows = Rows(numbers).detach().requires_grad_();
            var loss = Loss(Logits(rows, steps, state), ignored, count);
            gradient = Gradient(loss, numbers, rows);
            scope.Detach(gradient.Rows, gradient.Table, gradient.Rest);
            return loss.Read();
        });
    }

    public double Apply(double weightDecay = 0)
    {
        if (gradient is null) throw new InvalidOperationException("there is no gradient to apply; Differentiate comes first");
        isAhead = true;
        return device.Run(() =>
        {
            var norm = adam.Apply(gradient, options, weightDecay);
            gradient.Dispose();
            gradient = null;
            return norm;
        });
    }

    public void Synchronize()
    {
        if (!isAhead) return;
        device.Run(() =>
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            for (var i = 0; i < tensors.Count; i++) RecursionModule.Read(tensors[i], network.Parameters.Parameters[i].Values);
            adam.Read();
        });
        network.Parameters.OnChanged();
        isAhead = false;
    }

    public void Load(ITextNetwork network, AdamState optimizer)
    {
        var (nextModule, nextTensors, nextAdam) = Place(network, optimizer);
        device.Run(Release);
        (this.network, module, tensors, adam) = (network, nextModule, nextTensors, nextAdam);
        isAhead = false;
    }

    public void Dispose() => device.Run(Release);

    /// <summary>Copies the gradient that <see cref="Apply"/> waits for into that of a network of the same sizes.</summary>
    internal void ReadGradient(ParameterSet into)
    {
        into.ClearGradient();
        device.Run(() =>
        {
            using var scope = NewDisposeScope();
            var table = into.Parameters[0];
            var rows = gradient!.Rows.cpu().data<long>().ToArray();
            var values = new float[rows.Length * table.Columns];
            RecursionModule.Read(gradient.Table, values);
            for (var u = 0; u < rows.Length; u++) values.AsSpan(u * table.Columns, table.Columns).CopyTo(table.GradientRow((int)rows[u]));
            RecursionModule.Read(gradient.Rest, into.Gradient.AsSpan(table.Length));
        });
    }

    private (TextModule Module, IReadOnlyList<Tensor> Tensors, TorchAdam Adam) Place(ITextNetwork network, AdamState optimizer)
    {
        var parameters = network.Parameters;
        if (optimizer.Mean.Length != parameters.Values.Length)
            throw new ArgumentException($"Adam's state has {optimizer.Mean.Length} elements, the network {parameters.Values.Length}", nameof(optimizer));
        return device.Run(() =>
        {
            using var noGradient = no_grad();
            var module = TextModule.Of(network, device.Device);
            var tensors = module.TensorsOf(parameters);
            for (var i = 0; i < tensors.Count; i++) RecursionModule.Write(tensors[i], parameters.Parameters[i].Values);
            return (module, tensors, new TorchAdam(tensors, optimizer, device.Device));
        });
    }

    private void Release()
    {
        gradient?.Dispose();
        gradient = null;
        adam.Dispose();
        module.Dispose();
    }

    private ReadOnlySpan<float> Compute(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state, bool head)
    {
        Check(tokens, steps, state);
        distinct.Set(tokens, network.Parameters.Parameters[0].Rows);
        var length = RowsOf(steps) * (head ? module.Outputs : module.Columns);
        if (result.Length < length) result = new float[length];
        device.Run(() =>
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            module.eval();
            var summary = Summary(Rows(Numbers()), steps, state);
            RecursionModule.Read(head ? module.Head(summary) : summary, result.AsSpan(0, length));
        });
        return result.AsSpan(0, length);
    }

    /// <returns>[U] the batch's distinct tokens.</returns>
    private Tensor Numbers() => SequenceTensors.Indices(distinct.Tokens, device.Device);

    /// <returns>[U, C] their rows of the table.</returns>
    private Tensor Rows(Tensor numbers) => tensors[0].index_select(0, numbers);

    private Tensor Logits(Tensor rows, PackedSteps steps, RecurrentState? state) => module.Head(Summary(rows, steps, state));

    /// <summary>The pass up to the last layer, with the state carried on: what follows has no gradient into it.</summary>
    private Tensor Summary(Tensor rows, PackedSteps steps, RecurrentState? state)
    {
        var embedded = rows.index_select(0, SequenceTensors.Indices(distinct.Places, device.Device));
        var carried = state is null || module is RecurrentModule { HasState: false } ? null : Place(state, steps.Batch);
        var summary = module.Summarize(embedded, new SequenceTensors(steps, device.Device), carried);
        if (carried is not null) Store(carried, state!, steps.Batch);
        return summary;
    }

    private StateTensors Place(RecurrentState state, int batch)
    {
        return new StateTensors { Hidden = Of(state.HiddenOf), Cell = state.Cell.Length == 0 ? null : Of(state.CellOf) };

        Tensor Of(LayerOf layerOf)
        {
            var values = new float[state.Layers * batch * state.Size];
            for (var layer = 0; layer < state.Layers; layer++) layerOf(layer)[..(batch * state.Size)].CopyTo(values.AsSpan(layer * batch * state.Size));
            var tensor = empty(state.Layers, batch, state.Size, device: device.Device);
            RecursionModule.Write(tensor, values);
            return tensor;
        }
    }

    private static void Store(StateTensors carried, RecurrentState state, int batch)
    {
        Into(carried.Hidden, state.HiddenOf);
        if (carried.Cell is not null) Into(carried.Cell, state.CellOf);

        void Into(Tensor tensor, LayerOf layerOf)
        {
            var values = new float[state.Layers * batch * state.Size];
            RecursionModule.Read(tensor.detach(), values);
            for (var layer = 0; layer < state.Layers; layer++) values.AsSpan(layer * batch * state.Size, batch * state.Size).CopyTo(layerOf(layer));
        }
    }

    private delegate Span<float> LayerOf(int layer);

    /// <param name="Mean">Of -log softmax at the targets; null where no row counts.</param>
    /// <param name="Hits">How many rows have nothing above their target.</param>
    private sealed record BatchLoss(Tensor? Mean, Tensor? Hits, int Count)
    {
        public TapeLoss Read() => Mean is null ? default : new TapeLoss(Mean.item<float>(), Count, (int)Hits!.item<long>());
    }

    private BatchLoss Loss(Tensor logits, int ignored, int count)
    {
        if (count == 0) return new BatchLoss(null, null, 0);
        var targets = SequenceTensors.Indices(wanted.AsSpan(0, (int)logits.shape[0]), device.Device);
        var mean = functional.cross_entropy(logits, targets, ignore_index: ignored);
        using var noGradient = no_grad();
        // An ignored target need not be a class.
        var own = logits.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1);
        var hits = (own.ge(logits.amax([1])) & targets.ne(ignored)).sum();
        return new BatchLoss(mean, hits, count);
    }

    private TextGradient Gradient(BatchLoss loss, Tensor numbers, Tensor rows)
    {
        var rest = tensors.Skip(1).ToList();
        // Nothing to learn from, as on the tape: no row is used, the rest moves by its moments.
        if (loss.Mean is null) return new TextGradient(numbers.narrow(0, 0, 0), rows.detach().narrow(0, 0, 0), zeros(rest.Sum(tensor => tensor.numel()), device: device.Device));
        var gradients = autograd.grad([loss.Mean], [rows, .. rest]);
        var padding = distinct.Tokens.IndexOf(module.Padding);
        if (padding >= 0) gradients[0][padding].zero_();
        return new TextGradient(numbers, gradients[0], cat([.. gradients.Skip(1).Select(one => one.reshape(-1))], 0));
    }

    private int RowsOf(PackedSteps steps) => module.EachPosition ? steps.Rows : steps.Batch;

    /// <summary>What libtorch would end the process for, or on a GPU never recover from.</summary>
    private void Check(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state)
    {
        if (tokens.Length != steps.Rows) throw new ArgumentException($"{tokens.Length} tokens for {steps.Rows} places", nameof(tokens));
        var table = network.Parameters.Parameters[0];
        foreach (var token in tokens)
        {
            if ((uint)token >= (uint)table.Rows) throw new ArgumentException($"token {token} is not in '{table.Name}', which has {table.Rows} rows", nameof(tokens));
        }
        if (network is NotebookLanguageModel { Stage: NotebookStage.Unrolled }) NotebookLanguageModel.CheckUnrolled(steps, state);
        if (state is null) return;
        var own = network.NewState(1);
        if (state.Batch < steps.Batch || state.Layers != own.Layers || state.Size != own.Size || state.Cell.Length == 0 != (own.Cell.Length == 0))
        {
            throw new ArgumentException(
                $"a state of {state.Layers} x [{state.Batch}, {state.Size}] is not one of {own.Layers} x [{steps.Batch} or more, {own.Size}] of this network", nameof(state));
        }
    }

    /// <returns>Rows that count.</returns>
    private int Check(PackedSteps steps, ReadOnlySpan<int> targets, int ignored)
    {
        if (targets.Length != RowsOf(steps)) throw new ArgumentException($"{targets.Length} targets for {RowsOf(steps)} rows", nameof(targets));
        var count = 0;
        foreach (var target in targets)
        {
            if (target == ignored) continue;
            if ((uint)target >= (uint)module.Outputs) throw new ArgumentException($"target {target} is not below {module.Outputs}", nameof(targets));
            count++;
        }
        if (wanted.Length < targets.Length) wanted = new int[targets.Length];
        targets.CopyTo(wanted);
        return count;
    }
}
