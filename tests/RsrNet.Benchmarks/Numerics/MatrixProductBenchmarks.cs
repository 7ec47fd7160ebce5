using BenchmarkDotNet.Attributes;
using RsrNet.Core.Numerics;

namespace RsrNet.Benchmarks.Numerics;

/// <summary>Square products on one thread: as they lie, with the right side transposed, and with it packed before; plain loops as the baseline.</summary>
public class MatrixProductBenchmarks : IDisposable
{
    private readonly MatrixProduct _product = MatrixProduct.Create();
    private float[] _a = [];
    private float[] _b = [];
    private float[] _c = [];
    private PackedMatrix? _packed;

    [Params(128, 256, 512, 1024)]
    public int Edge { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _a = RandomValues.Of(Edge * Edge, 1);
        _b = RandomValues.Of(Edge * Edge, 2);
        _c = new float[Edge * Edge];
        _packed = _product.Pack(new MatrixOperand(_b, Edge, Edge));
    }

    [Benchmark(Baseline = true)]
    public void PlainLoops()
    {
        Array.Clear(_c);
        for (var i = 0; i < Edge; i++)
        {
            for (var k = 0; k < Edge; k++)
            {
                var a = _a[i * Edge + k];
                for (var j = 0; j < Edge; j++) _c[i * Edge + j] += a * _b[k * Edge + j];
            }
        }
    }

    [Benchmark]
    public void Product() => _product.Multiply(new MatrixOperand(_a, Edge, Edge), new MatrixOperand(_b, Edge, Edge), _c);

    [Benchmark]
    public void RightTransposed() => _product.Multiply(new MatrixOperand(_a, Edge, Edge), new MatrixOperand(_b, Edge, Edge).Transpose(), _c);

    [Benchmark]
    public void LeftTransposed() => _product.Multiply(new MatrixOperand(_a, Edge, Edge).Transpose(), new MatrixOperand(_b, Edge, Edge), _c);

    [Benchmark]
    public void RightPacked() => _product.Multiply(new MatrixOperand(_a, Edge, Edge), _packed!, _c);

    [GlobalCleanup]
    public void Dispose()
    {
        _packed?.Dispose();
        _product.Dispose();
        GC.SuppressFinalize(this);
    }
}
