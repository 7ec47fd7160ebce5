using BenchmarkDotNet.Attributes;
using RsrNet.Core.Replicas;

namespace RsrNet.Benchmarks.Replicas;

/// <summary>One supervision step of the notebook's network, with gradient and without, on one thread; the plain loops as the baseline.</summary>
[MemoryDiagnoser]
public class RecursionEngineBenchmarks : IDisposable
{
    private readonly ReferenceEngine _reference = new(RecursionShape.Notebook, new RecursionOptions());
    private readonly CpuEngine _cpu = new(RecursionShape.Notebook, new RecursionOptions(), threads: 1);
    private readonly RecursionWeights _weights = RecursionInitialization.Create(RecursionShape.Notebook, seed: 1);
    private float[] _gradient = [];
    private RecursionBatch? _batch;

    [Params(2, 8, 64)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _gradient = new float[_weights.Parameters.Length];
        _batch = new RecursionBatch(RecursionShape.Notebook, Rows);
        RandomValues.Fill(_batch.X, 1);
        RandomValues.Fill(_batch.T, 2);
        _reference.Load(_weights);
        _cpu.Load(_weights);
    }

    [Benchmark(Baseline = true)]
    public float ReferenceTraining() => _reference.Train(_batch!, _gradient);

    [Benchmark]
    public float Training() => _cpu.Train(_batch!, _gradient);

    /// <summary>With the packing that a new weight version needs.</summary>
    [Benchmark]
    public float TrainingNewWeights()
    {
        _cpu.Load(_weights);
        return _cpu.Train(_batch!, _gradient);
    }

    [Benchmark]
    public void ReferenceRefinement() => _reference.Refine(_batch!);

    [Benchmark]
    public void Refinement() => _cpu.Refine(_batch!);

    [GlobalCleanup]
    public void Dispose()
    {
        _reference.Dispose();
        _cpu.Dispose();
        GC.SuppressFinalize(this);
    }
}
