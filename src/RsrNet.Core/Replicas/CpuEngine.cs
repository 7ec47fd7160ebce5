using System.Runtime.Intrinsics;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// The recursion on the processor's vectors and cores. Nothing is allocated per step once its buffers have grown to the largest batch.
/// </summary>
/// <remarks>
/// Differs from <see cref="ReferenceEngine"/> by the rounding of single precision only: relative 1e-5 on a step's state, loss and
/// gradient for batches whose statistics are sound. The number of threads never changes a bit of the result; outside training, neither do
/// the other rows of the batch.
/// </remarks>
public sealed unsafe class CpuEngine : IRecursionEngine
{
    private readonly CpuSlots _slots;
    private readonly WorkerTeam _team;
    private readonly CpuRecursion _recursion;
    private readonly RecursionWeights _copy;
    private RecursionWeights? _shared;

    /// <summary>The copy or the shared ones, whatever was loaded last; the statistics are the engine's own in both.</summary>
    private RecursionWeights _weights;
    private bool _loaded;

    /// <param name="shape">The network's sizes; those in <paramref name="options"/> are not read.</param>
    /// <param name="options">How deep the recursion goes.</param>
    /// <param name="threads">Threads to use where the batch is worth it and other work leaves the cores, the caller's included; 0 for one
    /// for each core.</param>
    /// <param name="width">Vectors to compute with; null for the machine's widest.</param>
    /// <exception cref="ArgumentOutOfRangeException">Calls or latent recursions are below 1, or the threads below 0.</exception>
    /// <exception cref="ArgumentException">This machine has no such vectors.</exception>
    public CpuEngine(RecursionShape shape, RecursionOptions options, int threads = 0, VectorWidth? width = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Calls, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.LatentRecursions, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Width = VectorWidths.Check(width ?? VectorWidths.Best);
        _weights = _copy = new RecursionWeights(shape);
        _slots = new CpuSlots(_weights.Layout);
        _team = new WorkerTeam(threads == 0 ? Environment.ProcessorCount : threads);
        _recursion = Width switch
        {
            VectorWidth.Vector512 => new CpuRecursion<Simd512, Vector512<float>>(shape, options, _team),
            VectorWidth.Vector256 => new CpuRecursion<Simd256, Vector256<float>>(shape, options, _team),
            VectorWidth.Vector128 => new CpuRecursion<Simd128, Vector128<float>>(shape, options, _team),
            _ => new CpuRecursion<SimdScalar, float>(shape, options, _team),
        };
    }

    public string Name => "cpu";

    public RecursionShape Shape => _weights.Shape;

    /// <summary>The vectors it computes with.</summary>
    public VectorWidth Width { get; }

    /// <summary>Threads it uses at most.</summary>
    public int Threads => _team.Size;

    /// <summary>
    /// How training carries the summary from call to call: null to choose by the batch's size. For the tests that compare the ways.
    /// </summary>
    internal TrainingWay? Way
    {
        get => _recursion.Way;
        set => _recursion.Way = value;
    }

    /// <inheritdoc/>
    public void Load(RecursionWeights weights)
    {
        EnsureFits(weights);
        // fc_aux comes last and takes no part: a quarter less to copy.
        weights.Parameters.AsSpan(0, _slots.AuxWeight).CopyTo(_copy.Parameters);
        Take(_copy, weights);
    }

    /// <inheritdoc/>
    public void Share(RecursionWeights weights)
    {
        EnsureFits(weights);
        if (_shared?.Parameters != weights.Parameters) _shared = new RecursionWeights(Shape, weights.Parameters);
        Take(_shared, weights);
    }

    /// <inheritdoc/>
    public float Train(RecursionBatch batch, Span<float> gradient)
    {
        Check(batch, training: true);
        _weights.Layout.EnsureFits(gradient);
        fixed (float* x = batch.X, t = batch.T, y = batch.Y, z = batch.Z, confidence = batch.Confidence, rowLoss = batch.RowLoss)
        {
            return _recursion.Train(
                new CpuBatch { Rows = batch.Rows, X = x, T = t, Y = y, Z = z, Confidence = confidence, RowLoss = rowLoss }, gradient);
        }
    }

    /// <inheritdoc/>
    public void Refine(RecursionBatch batch)
    {
        Check(batch, training: false);
        if (batch.Rows == 0) return;
        fixed (float* x = batch.X, y = batch.Y, z = batch.Z, confidence = batch.Confidence)
        {
            _recursion.Refine(
                new CpuBatch { Rows = batch.Rows, X = x, T = null, Y = y, Z = z, Confidence = confidence, RowLoss = null });
        }
    }

    /// <inheritdoc/>
    public void ReadStatistics(RecursionWeights destination)
    {
        if (destination.Shape != Shape)
        {
            throw new ArgumentException(
                $"statistics of shape {Shape} do not fit weights of shape {destination.Shape}", nameof(destination));
        }
        _weights.Statistics.CopyTo(destination.Statistics, 0);
        destination.BatchesTracked = _weights.BatchesTracked;
    }

    public void Dispose()
    {
        _team.Dispose();
        _recursion.Dispose();
    }

    private void EnsureFits(RecursionWeights weights)
    {
        if (weights.Shape != Shape)
            throw new ArgumentException($"weights of shape {weights.Shape} do not fit a network of shape {Shape}", nameof(weights));
    }

    private void Take(RecursionWeights own, RecursionWeights weights)
    {
        _weights = own;
        weights.Statistics.CopyTo(own.Statistics, 0);
        own.BatchesTracked = weights.BatchesTracked;
        _recursion.Load(own);
        _loaded = true;
    }

    private void Check(RecursionBatch batch, bool training)
    {
        if (!_loaded) throw new InvalidOperationException("load weights into the engine before the first batch");
        batch.EnsureFits(Shape, training);
    }
}
