using System.Diagnostics;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>The recursion compiled for one vector width; <see cref="CpuEngine"/> chooses.</summary>
internal abstract class CpuRecursion : IDisposable
{
    /// <summary>How training carries the summary: null to choose by the batch's size.</summary>
    public abstract TrainingWay? Way { get; set; }

    /// <param name="weights">Read now and until the next load; training moves its statistics.</param>
    public abstract void Load(RecursionWeights weights);

    public abstract float Train(in CpuBatch batch, Span<float> gradient);

    public abstract void Refine(in CpuBatch batch);

    public abstract void Dispose();
}

internal sealed unsafe class CpuRecursion<TSimd, TVector> : CpuRecursion
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Multiply-adds that are worth waking another thread: a tenth of a millisecond of them.</summary>
    private const long WorthSharing = 12_000_000;

    private readonly RecursionShape _shape;
    private readonly RecursionOptions _options;
    private readonly WorkerTeam _team;
    private readonly CpuTraining<TSimd, TVector> _training;
    private readonly CpuRefinement<TSimd, TVector> _refinement;
    private readonly SharingGauge _sharing = new();
    private readonly Action<int> _refineShare;
    private RecursionWeights? _weights;
    private CpuBatch _batch;
    private bool _trains;
    private bool _refines;

    public CpuRecursion(RecursionShape shape, RecursionOptions options, WorkerTeam team)
    {
        _shape = shape;
        _options = options;
        _team = team;
        _training = new(shape, options, team);
        _refinement = new(shape, options.Calls * options.LatentRecursions, team.Size);
        _refineShare = RefineShare;
    }

    public override TrainingWay? Way
    {
        get => _training.Way;
        set => _training.Way = value;
    }

    public override void Load(RecursionWeights weights)
    {
        _weights = weights;
        _trains = _refines = false;
    }

    public override float Train(in CpuBatch batch, Span<float> gradient)
    {
        if (!_trains) _training.Load(_weights!);
        _trains = true;
        _refines = false; // the running statistics move
        fixed (float* target = gradient)
        {
            var loss = _training.Run(batch, target);
            gradient[_weights!.Layout.LearnedCount..].Clear();
            return loss;
        }
    }

    public override void Refine(in CpuBatch batch)
    {
        if (!_refines) _refinement.Load(_weights!);
        _refines = true;
        _batch = batch;
        var work = RecursionArithmetic.Refinement(_shape, _options, batch.Rows);
        var most = (int)Math.Clamp(work / WorthSharing, 1, _team.Size);
        var members = _sharing.Choose(most);
        var started = Stopwatch.GetTimestamp();
        _team.Run(members, _refineShare);
        if (most > 1) _sharing.Report(members, Stopwatch.GetElapsedTime(started), work);
    }

    public override void Dispose()
    {
        _training.Dispose();
        _refinement.Dispose();
    }

    private void RefineShare(int member)
    {
        var unit = MatrixTile<TSimd, TVector>.TileRows;
        var units = (_batch.Rows + unit - 1) / unit;
        var from = units * member / _team.Active * unit;
        var to = Math.Min(_batch.Rows, units * (member + 1) / _team.Active * unit);
        _refinement.Run(_batch, from, to, member);
    }
}
