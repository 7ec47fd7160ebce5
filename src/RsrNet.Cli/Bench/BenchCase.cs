using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Bench;

/// <summary>One thing to measure on both sides.</summary>
internal abstract class BenchCase(string name, int size, int threads) : IDisposable
{
    private Stopclock? _clock;

    /// <summary>The name in the report.</summary>
    public string Name => name;

    /// <summary>Rows of the batch, or the edge of a matrix.</summary>
    public int Size => size;

    /// <summary>What the peer calls it; null where it has no such thing.</summary>
    public abstract string? PeerKind { get; }

    /// <summary>Operations of one repeat that the result cannot do without, a multiply-add being two; 0 where nobody counts.</summary>
    public abstract double Operations { get; }

    /// <summary>A rate to report instead of a time: its unit, and how much of it a repeat does.</summary>
    public virtual (string Unit, double PerRepeat)? Rate => null;

    /// <summary>What a reader of the result should know.</summary>
    public virtual string? Note => null;

    /// <summary>Tells the peer what it needs to know before it is asked to measure; once.</summary>
    public virtual void Introduce(TorchPeer peer)
    {
    }

    /// <summary>Does it once.</summary>
    public abstract void Run();

    /// <summary>Seconds of one repeat.</summary>
    public double Measure() => (_clock ??= new Stopclock(Run, threads)).Measure();

    /// <summary>Bytes allocated by one repeat once everything has been done before, on all threads.</summary>
    public double Allocated()
    {
        const int Looks = 5, Repeats = 20;
        Run();
        // The figure is the whole process's, for the work's own threads count too; the least of a few looks leaves out what others do beside it.
        var least = long.MaxValue;
        for (var look = 0; look < Looks; look++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Repeats; i++) Run();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return least / (double)Repeats;
    }

    public abstract void Dispose();

    /// <summary>Numbers in [-1, 1).</summary>
    private protected static void Fill(Span<float> values, ulong seed)
    {
        var random = new SplitMix64(seed);
        foreach (ref var value in values) value = random.NextUniform(1);
    }
}

/// <summary>A supervision step: deep recursion, loss, gradient, clip, Adam, and the new weights back in the engine.</summary>
internal sealed class TrainingStep : BenchCase
{
    private static readonly RecursionOptions Depth = new();
    private readonly CpuEngine _engine;
    private readonly Coordinator _coordinator;
    private readonly RecursionBatch _batch;
    private readonly float[] _gradient;

    public TrainingStep(int rows, int threads)
        : base("train-step", rows, threads)
    {
        var weights = RecursionInitialization.Create(RecursionShape.Notebook, seed: 1);
        _engine = new CpuEngine(RecursionShape.Notebook, Depth, threads);
        _coordinator = new Coordinator(weights, new CoordinationOptions());
        _gradient = new float[weights.Layout.LearnedCount];
        _batch = new RecursionBatch(RecursionShape.Notebook, rows);
        Fill(_batch.X, 1);
        Fill(_batch.T, 2);
        _engine.Load(weights);
    }

    public override string PeerKind => "train";

    public override double Operations => 2.0 * RecursionArithmetic.Training(RecursionShape.Notebook, Depth, Size);

    public override void Run()
    {
        _coordinator.Apply(_gradient, _engine.Train(_batch, _gradient));
        _engine.ReadStatistics(_coordinator.Weights);
        _engine.Share(_coordinator.Weights);
    }

    public override void Dispose() => _engine.Dispose();
}

/// <summary>A deep recursion outside training, of documents that have a state already.</summary>
internal sealed class Inference : BenchCase
{
    private static readonly RecursionOptions Depth = new();
    private readonly CpuEngine _engine;
    private readonly RecursionBatch _batch;

    public Inference(int rows, int threads)
        : base("inference", rows, threads)
    {
        _engine = new CpuEngine(RecursionShape.Notebook, Depth, threads);
        _engine.Load(RecursionInitialization.Create(RecursionShape.Notebook, seed: 1));
        _batch = new RecursionBatch(RecursionShape.Notebook, rows);
        Fill(_batch.X, 1);
        Fill(_batch.Y, 2);
    }

    public override string PeerKind => "refine";

    public override double Operations => 2.0 * RecursionArithmetic.Refinement(RecursionShape.Notebook, Depth, Size);

    public override void Run() => _engine.Refine(_batch);

    public override void Dispose() => _engine.Dispose();
}

/// <summary>A product of two square matrices, both packed anew.</summary>
internal sealed class SquareProduct : BenchCase
{
    private readonly WorkerTeam _team;
    private readonly MatrixProduct _product;
    private readonly float[] _a;
    private readonly float[] _b;
    private readonly float[] _c;

    public SquareProduct(int edge, int threads)
        : base("matmul", edge, threads)
    {
        _team = new WorkerTeam(threads);
        _product = MatrixProduct.Create(_team);
        _a = new float[edge * edge];
        _b = new float[edge * edge];
        _c = new float[edge * edge];
        Fill(_a, 1);
        Fill(_b, 2);
    }

    public override string PeerKind => "matmul";

    public override double Operations => 2.0 * Size * Size * Size;

    public override (string Unit, double PerRepeat)? Rate => ("GFLOP/s", Operations / 1e9);

    public override void Run() => _product.Multiply(new MatrixOperand(_a, Size, Size), new MatrixOperand(_b, Size, Size), _c);

    public override void Dispose()
    {
        _product.Dispose();
        _team.Dispose();
    }
}
