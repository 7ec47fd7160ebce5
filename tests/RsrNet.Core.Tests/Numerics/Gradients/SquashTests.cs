using System.Runtime.Intrinsics;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Tests.Numerics.Gradients;

public sealed class SquashTests
{
    [Fact]
    public void Functions_OverTheirRange_MatchTheDoubleOnes()
    {
        for (var x = -12f; x <= 12; x += 0.0037f)
        {
            Near(Math.Tanh(x), Squash<SimdScalar, float>.Tanh(x));
            Near(1 / (1 + Math.Exp(-x)), Squash<SimdScalar, float>.Sigmoid(x));
            Assert.Equal(1, Squash<SimdScalar, float>.Exp(x) / Math.Exp(x), 1e-6);
            Near(Math.Tanh(x), Squash<Simd256, Vector256<float>>.Tanh(Vector256.Create(x))[3]);
            Assert.Equal(1, Squash<Simd512, Vector512<float>>.Exp(Vector512.Create(x))[9] / Math.Exp(x), 1e-6);
            Assert.Equal(1, Squash<Simd128, Vector128<float>>.Exp(Vector128.Create(x))[1] / Math.Exp(x), 1e-6);
        }

        static void Near(double expected, double actual) => Assert.Equal(expected, actual, 4e-7);
    }

    [Fact]
    public void Functions_AtTheEnds_StayInRange()
    {
        foreach (var x in new[] { float.MinValue, -1000, 1000, float.MaxValue })
        {
            Assert.InRange(Squash<SimdScalar, float>.Tanh(x), -1f, 1f);
            Assert.InRange(Squash<SimdScalar, float>.Sigmoid(x), 0f, 1f);
        }
        Assert.InRange(Squash<SimdScalar, float>.Exp(-1e30f), 0, 1e-37f);
        Assert.True(float.IsNaN(Squash<SimdScalar, float>.Tanh(float.NaN)));
        Assert.True(float.IsNaN(Squash<Simd512, Vector512<float>>.Exp(Vector512.Create(float.NaN))[0]));
    }
}
