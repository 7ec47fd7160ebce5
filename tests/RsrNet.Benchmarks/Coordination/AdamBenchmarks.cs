using BenchmarkDotNet.Attributes;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;

namespace RsrNet.Benchmarks.Coordination;

/// <summary>Norm, clipping and Adam over the notebook's parameters; the plain pair as the baseline.</summary>
public class AdamBenchmarks
{
    private readonly CoordinationOptions _options = new();
    private float[] _parameters = [];
    private float[] _gradient = [];
    private AdamState _state = new(0);

    [GlobalSetup]
    public void Setup()
    {
        var weights = RecursionInitialization.Create(RecursionShape.Notebook, seed: 1);
        _parameters = weights.Parameters;
        _gradient = RandomValues.Of(_parameters.Length, 1);
        _state = new AdamState(_parameters.Length);
    }

    [Benchmark(Baseline = true)]
    public double Plain()
    {
        var norm = GradientClip.Norm(_gradient);
        Adam.Step(_parameters, _gradient, GradientClip.Coefficient(norm, _options.ClipNorm), _state, _options);
        return norm;
    }

    [Benchmark]
    public double Fused()
    {
        var norm = FusedAdam.Norm(_gradient);
        FusedAdam.Step(_parameters, _gradient, GradientClip.Coefficient(norm, _options.ClipNorm), _state, _options);
        return norm;
    }
}
