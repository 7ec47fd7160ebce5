using RsrNet.Core.Replicas;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RsrNet.Torch.Replicas;

/// <summary>
/// The recursion by libtorch's operations, with its automatic gradient. Every call waits for the device's thread; several engines may
/// share a device.
/// B = rows; d, h, L = the network's sizes.
/// </summary>
/// <remarks>Differs from <see cref="ReferenceEngine"/> by the rounding of single precision, and a row alone from the same row among others
/// likewise.</remarks>
public sealed unsafe class TorchEngine : IRecursionEngine
{
    /// <summary>Weight of the confidence's part in the loss.</summary>
    private const double ConfidenceWeight = 0.1;

    private readonly TorchDevice device;
    private readonly RecursionOptions options;
    private readonly ParameterLayout layout;
    private readonly RecursionModule module;
    private readonly Tensor[] learned;
    private readonly ParameterSlot[] learnedSlots;
    private long batchesTracked;
    private bool loaded;

    /// <param name="device">Not disposed with the engine.</param>
    /// <param name="shape">The network's sizes; those in <paramref name="options"/> are not read.</param>
    /// <param name="options">How deep the recursion goes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Calls or latent recursions are below 1.</exception>
    /// <exception cref="ArgumentException">The shape is of another mode than the notebook's.</exception>
    public TorchEngine(TorchDevice device, RecursionShape shape, RecursionOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Calls, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LatentRecursions, 1);
        this.device = device;
        this.options = options;
        layout = ParameterLayout.Of(shape);
        module = device.Run(() => new RecursionModule(shape, device.Device));
        // Their gradient is zero: fc_aux takes no part in the loss, BatchNorm takes a bias before it away again (what rounding leaves of
        // it would
        // make the optimiser wander), and with one call nobody reads the latent.
        string[] inert = options.Calls == 1 ? ["fc_aux.", "fc1.bias", "fc2.bias", "fc_latent."] : ["fc_aux.", "fc1.bias", "fc2.bias"];
        learnedSlots = [.. layout.Parameters.Where(slot => !inert.Any(name => slot.Name.StartsWith(name, StringComparison.Ordinal)))];
        var tensors = module.named_parameters().ToDictionary(parameter => parameter.name, parameter => (Tensor)parameter.parameter);
        learned = Array.ConvertAll(learnedSlots, slot => tensors[slot.Name]);
    }

    public string Name => device.Name;

    public RecursionShape Shape => module.Shape;

    /// <inheritdoc/>
    public void Load(RecursionWeights weights)
    {
        if (weights.Shape != Shape) throw new ArgumentException(
            $"weights of shape {weights.Shape} do not fit a network of shape {Shape}", nameof(weights));
        device.Run(() => module.Load(weights));
        batchesTracked = weights.BatchesTracked;
        loaded = true;
    }

    /// <inheritdoc/>
    public float Train(RecursionBatch batch, Span<float> gradient)
    {
        Check(batch, training: true);
        layout.EnsureFits(gradient);
        fixed (float* start = gradient)
        {
            // The caller waits, so the memory stays where it is until the thread has written it.
            var (pointer, length) = ((nint)start, gradient.Length);
            return device.Run(() => TrainHere(batch, new Span<float>((float*)pointer, length)));
        }
    }

    /// <inheritdoc/>
    public void Refine(RecursionBatch batch)
    {
        Check(batch, training: false);
        if (batch.Rows > 0) device.Run(() => RefineHere(batch));
    }

    /// <inheritdoc/>
    public void ReadStatistics(RecursionWeights destination)
    {
        if (destination.Shape != Shape)
            throw new ArgumentException(
                $"statistics of shape {Shape} do not fit weights of shape {destination.Shape}", nameof(destination));
        device.Run(() =>
        {
            using var scope = NewDisposeScope();
            var buffers = module.named_buffers().ToDictionary(buffer => buffer.name, buffer => buffer.buffer);
            foreach (var slot in layout.Statistics) RecursionModule.Read(buffers[slot.Name], slot.Of(destination.Statistics));
        });
        destination.BatchesTracked = batchesTracked;
    }

    public void Dispose() => device.Run(module.Dispose);

    private float TrainHere(RecursionBatch batch, Span<float> gradient)
    {
        using var scope = NewDisposeScope();
        module.train();
        var t = Place(batch.T, batch.Rows, Shape.D);
        var (fromArticle, y, z) = Start(batch);
        var stateWeight = module.StateWeight();
        using (no_grad())
        {
            for (var recursion = 1; recursion < options.LatentRecursions; recursion++) (y, z) = Recurse(fromArticle, stateWeight, y, z);
        }
        (y, z) = Recurse(fromArticle, stateWeight, y, z);
        batchesTracked += options.Calls * options.LatentRecursions;

        var q = Confidence(y);
        // A q that is no number comes of such a y, and the loss shows it anyway; to libtorch it would be an error, on a GPU one for good.
        var uncertainty = functional.binary_cross_entropy(q.nan_to_num(0.5), ones_like(q), reduction: Reduction.None);
        var rowLoss = (y - t).square().mean([1]) + ConfidenceWeight * uncertainty;
        var loss = rowLoss.mean();
        var gradients = autograd.grad([loss], learned);

        gradient.Clear();
        for (var i = 0; i < learnedSlots.Length; i++)
            RecursionModule.Read(gradients[i], gradient.Slice(learnedSlots[i].Offset, learnedSlots[i].Length));
        Store(batch, y.detach(), z.detach(), q.detach());
        RecursionModule.Read(rowLoss.detach(), batch.RowLoss.AsSpan(0, batch.Rows));
        return loss.item<float>();
    }

    private void RefineHere(RecursionBatch batch)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        module.eval();
        var (fromArticle, y, z) = Start(batch);
        var stateWeight = module.StateWeight();
        for (var recursion = 0; recursion < options.LatentRecursions; recursion++) (y, z) = Recurse(fromArticle, stateWeight, y, z);
        Store(batch, y, z, Confidence(y));
    }

    private (Tensor FromArticle, Tensor Y, Tensor Z) Start(RecursionBatch batch) => (
        module.FromArticle(Place(batch.X, batch.Rows, Shape.D)), Place(batch.Y, batch.Rows, Shape.D), Place(batch.Z, batch.Rows, Shape.L));

    /// <summary>A latent recursion: n calls. What is only needed in between is let go at once.</summary>
    private (Tensor Y, Tensor Z) Recurse(Tensor fromArticle, Tensor stateWeight, Tensor y, Tensor z)
    {
        using var scope = NewDisposeScope();
        for (var call = 0; call < options.Calls; call++)
        {
            var v = module.Hidden(fromArticle, stateWeight, y, z);
            (y, z) = (module.Output(v), module.Latent(v));
        }
        return scope.MoveToOuter(y, z);
    }

    /// <returns>[B] q = sigmoid(max_j y_j); the first of several largest gets the gradient.</returns>
    private static Tensor Confidence(Tensor y) => y.max(1).values.sigmoid();

    private Tensor Place(float[] values, int rows, int columns)
    {
        var tensor = empty(rows, columns, device: device.Device);
        RecursionModule.Write(tensor, values.AsSpan(0, rows * columns));
        return tensor;
    }

    private void Store(RecursionBatch batch, Tensor y, Tensor z, Tensor q)
    {
        RecursionModule.Read(y, batch.Y.AsSpan(0, batch.Rows * Shape.D));
        RecursionModule.Read(z, batch.Z.AsSpan(0, batch.Rows * Shape.L));
        RecursionModule.Read(q, batch.Confidence.AsSpan(0, batch.Rows));
    }

    private void Check(RecursionBatch batch, bool training)
    {
        if (!loaded) throw new InvalidOperationException("load weights into the engine before the first batch");
        batch.EnsureFits(Shape, training);
    }
}
