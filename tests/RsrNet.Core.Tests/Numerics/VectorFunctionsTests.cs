using System.Runtime.Intrinsics;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed unsafe class VectorFunctionsTests
{
    /// <summary>Over the whole range, with zero, the ends and what lies beyond them.</summary>
    private static readonly float[] Points =
        [.. Enumerable.Range(-60_000, 120_001).Select(i => i / 5_000f), 0f, -0f, 1e-30f, -1e-30f, 50, -50, 1e10f, -1e10f];

    [Fact]
    public void Gelu_EveryWidth_IsExactToAMillionth() => ForEachWidth(
        gelu: (row, count, width) =>
        {
            switch (width)
            {
                case VectorWidth.Vector512: VectorFunctions<Simd512, Vector512<float>>.Gelu(row, count); break;
                case VectorWidth.Vector256: VectorFunctions<Simd256, Vector256<float>>.Gelu(row, count); break;
                case VectorWidth.Vector128: VectorFunctions<Simd128, Vector128<float>>.Gelu(row, count); break;
                default: VectorFunctions<SimdScalar, float>.Gelu(row, count); break;
            }
        },
        expected: x => ReferenceBart.Gelu(x));

    [Fact]
    public void Erf_IsExactToAMillionth()
    {
        foreach (var x in Points) Assert.InRange(Math.Abs(VectorFunctions<SimdScalar, float>.Erf(x) - ReferenceBart.Erf(x)), 0, 1e-6);
    }

    // As Python's math.erf has them: the reference has a reference.
    [Theory]
    [InlineData(0.1, 0.1124629160182849)]
    [InlineData(0.5, 0.5204998778130465)]
    [InlineData(1, 0.8427007929497149)]
    [InlineData(2, 0.9953222650189527)]
    [InlineData(2.999, 0.9999777698314002)]
    [InlineData(3.001, 0.9999780483390822)]
    [InlineData(4, 0.9999999845827421)]
    public void ReferenceErf_KnownValues(double x, double expected)
    {
        Assert.Equal(expected, ReferenceBart.Erf(x), 1e-9);
        Assert.Equal(-expected, ReferenceBart.Erf(-x), 1e-9);
    }

    [Fact]
    public void Exp_IsExactToAFewUnitsInTheLastPlace()
    {
        for (var x = -86.9f; x < 87.9f; x += 0.0137f)
        {
            var expected = Math.Exp(x);
            Assert.InRange(Math.Abs(VectorFunctions<SimdScalar, float>.Exp(x) - expected) / expected, 0, 3e-7);
        }
        Assert.Equal(1f, VectorFunctions<SimdScalar, float>.Exp(0f));
        Assert.InRange(VectorFunctions<SimdScalar, float>.Exp(float.NegativeInfinity), 0, 2e-38f);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(513)]
    public void Softmax_AnyLength_SumsToOneAndMatches(int count)
    {
        var dice = new Random(count);
        var row = new float[count];
        foreach (ref var value in row.AsSpan()) value = 40 * dice.NextSingle() - 20;
        var weights = Array.ConvertAll(row, value => Math.Exp(0.125 * (value - row.Max())));
        float inverse;
        fixed (float* at = row) inverse = BestSoftmax(at, count, 0.125f);
        for (var i = 0; i < count; i++) Assert.Equal(weights[i] / weights.Sum(), row[i] * inverse, 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(768)]
    [InlineData(771)]
    public void Normalize_AnyLength_MatchesReference(int count)
    {
        var dice = new Random(count);
        float[] Random(float scale) => [.. Enumerable.Range(0, count).Select(_ => scale * (dice.NextSingle() - 0.3f))];
        float[] row = Random(5), addend = Random(1), scale = Random(2), shift = Random(1);
        var sums = row.Zip(addend, (a, b) => (double)a + b).ToArray();
        var mean = sums.Average();
        var deviation = Math.Sqrt(sums.Average(value => (value - mean) * (value - mean)) + 1e-5);
        fixed (float* r = row, a = addend, c = scale, h = shift) BestNormalize(r, a, c, h, count);
        for (var i = 0; i < count; i++) Assert.Equal((sums[i] - mean) / deviation * scale[i] + shift[i], row[i], 2e-5);
    }

    private static float BestSoftmax(float* row, int count, float factor) => VectorWidths.Best switch
    {
        VectorWidth.Vector512 => VectorFunctions<Simd512, Vector512<float>>.Softmax(row, count, factor),
        VectorWidth.Vector256 => VectorFunctions<Simd256, Vector256<float>>.Softmax(row, count, factor),
        VectorWidth.Vector128 => VectorFunctions<Simd128, Vector128<float>>.Softmax(row, count, factor),
        _ => VectorFunctions<SimdScalar, float>.Softmax(row, count, factor),
    };

    private static void BestNormalize(float* row, float* addend, float* scale, float* shift, int count)
    {
        switch (VectorWidths.Best)
        {
            case VectorWidth.Vector512: VectorFunctions<Simd512, Vector512<float>>.Normalize(row, addend, scale, shift, count, 1e-5f); break;
            case VectorWidth.Vector256: VectorFunctions<Simd256, Vector256<float>>.Normalize(row, addend, scale, shift, count, 1e-5f); break;
            case VectorWidth.Vector128: VectorFunctions<Simd128, Vector128<float>>.Normalize(row, addend, scale, shift, count, 1e-5f); break;
            default: VectorFunctions<SimdScalar, float>.Normalize(row, addend, scale, shift, count, 1e-5f); break;
        }
    }

    private delegate void RowFunction(float* row, int count, VectorWidth width);

    private static void ForEachWidth(RowFunction gelu, Func<float, float> expected)
    {
        foreach (var width in Enum.GetValues<VectorWidth>().Where(VectorWidths.IsSupported))
        {
            var row = Points.ToArray();
            fixed (float* at = row) gelu(at, row.Length, width);
            for (var i = 0; i < row.Length; i++) Assert.InRange(Math.Abs(row[i] - expected(Points[i])), 0, 1e-6 * Math.Max(1, Math.Abs(Points[i])));
        }
    }
}
