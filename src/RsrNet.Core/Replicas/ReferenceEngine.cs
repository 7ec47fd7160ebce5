namespace RsrNet.Core.Replicas;

/// <summary>
/// The recursion in plain loops: the truth that fast engines are compared with. Activations and gradients are double, so what a float
/// engine differs by is its own rounding; parameters, running statistics and the carried state are float, as everywhere.
/// </summary>
public sealed class ReferenceEngine : IRecursionEngine
{
    private readonly RecursionOptions options;
    private readonly RecursionWeights weights;
    private readonly double[] gradients;
    private readonly ReferenceNetwork network;
    private ReferenceCall[] calls = [];
    private bool loaded;

    /// <param name="shape">The network's sizes; those in <paramref name="options"/> are not read.</param>
    /// <param name="options">How deep the recursion goes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Calls or latent recursions are below 1.</exception>
    public ReferenceEngine(RecursionShape shape, RecursionOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Calls, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LatentRecursions, 1);
        this.options = options;
        weights = new RecursionWeights(shape);
        gradients = new double[weights.Layout.ParameterCount];
        network = new ReferenceNetwork(weights, gradients);
    }

    public string Name => "reference";

    public RecursionShape Shape => weights.Shape;

    /// <summary>The loss of the last <see cref="Train"/> with all its digits: what a finite difference needs.</summary>
    public double Loss { get; private set; }

    /// <inheritdoc/>
    public void Load(RecursionWeights weights)
    {
        this.weights.CopyFrom(weights);
        loaded = true;
    }

    /// <inheritdoc/>
    public float Train(RecursionBatch batch, Span<float> gradient)
    {
        Check(batch, training: true);
        weights.Layout.EnsureFits(gradient);
        DeepRecursion(batch, training: true);
        Backward(batch);
        for (var i = 0; i < gradient.Length; i++) gradient[i] = (float)gradients[i];
        Store(batch);
        return (float)Loss;
    }

    /// <inheritdoc/>
    public void Refine(RecursionBatch batch)
    {
        Check(batch, training: false);
        DeepRecursion(batch, training: false);
        Store(batch);
    }

    /// <inheritdoc/>
    public void ReadStatistics(RecursionWeights destination)
    {
        if (destination.Shape != Shape)
            throw new ArgumentException(
                $"statistics of shape {Shape} do not fit weights of shape {destination.Shape}", nameof(destination));
        weights.Statistics.CopyTo(destination.Statistics, 0);
        destination.BatchesTracked = weights.BatchesTracked;
    }

    public void Dispose()
    {
    }

    /// <summary>
    /// T latent recursions of n calls each. Every latent recursion writes over the calls of the one before, so that at the end they hold
    /// the last one: the one with gradient.
    /// </summary>
    private void DeepRecursion(RecursionBatch batch, bool training)
    {
        if (calls.Length == 0 || calls[0].Capacity < batch.Rows)
            calls = [.. Enumerable.Range(0, options.Calls).Select(_ => new ReferenceCall(network, batch.Capacity))];
        var y = Array.ConvertAll(batch.Y, value => (double)value);
        var z = Array.ConvertAll(batch.Z, value => (double)value);
        for (var recursion = 0; recursion < options.LatentRecursions; recursion++)
        {
            foreach (var call in calls)
            {
                call.Forward(batch.X, y, z, batch.Rows, training);
                (y, z) = (call.Y, call.Z);
                if (training) weights.BatchesTracked++;
            }
        }
    }

    /// <summary>Loss of the last call's y', and its gradient back through the calls of the last latent recursion.</summary>
    private void Backward(RecursionBatch batch)
    {
        var (d, _, l) = Shape;
        var rows = batch.Rows;
        var last = calls[^1];
        var yGradient = new double[rows * d];
        var zGradient = new double[rows * l]; // zero: the loss does not read the last z'
        Array.Clear(gradients);
        Loss = 0;
        for (var row = 0; row < rows; row++)
        {
            var y = last.Y.AsSpan(row * d, d);
            var t = batch.T.AsSpan(row * d, d);
            var q = ReferenceLoss.Confidence(y, out var best);
            var loss = ReferenceLoss.Forward(y, t, q);
            ReferenceLoss.Backward(y, t, q, best, yGradient.AsSpan(row * d, d), rows);
            batch.RowLoss[row] = (float)loss;
            Loss += loss / rows;
        }
        for (var call = calls.Length - 1; call >= 0; call--) calls[call].Backward(yGradient, zGradient, rows);
    }

    private void Store(RecursionBatch batch)
    {
        var (d, _, l) = Shape;
        var last = calls[^1];
        for (var i = 0; i < batch.Rows * d; i++) batch.Y[i] = (float)last.Y[i];
        for (var i = 0; i < batch.Rows * l; i++) batch.Z[i] = (float)last.Z[i];
        for (var row = 0; row < batch.Rows; row++)
            batch.Confidence[row] = (float)ReferenceLoss.Confidence(last.Y.AsSpan(row * d, d), out _);
    }

    private void Check(RecursionBatch batch, bool training)
    {
        if (!loaded) throw new InvalidOperationException("load weights into the engine before the first batch");
        batch.EnsureFits(Shape, training);
    }
}
