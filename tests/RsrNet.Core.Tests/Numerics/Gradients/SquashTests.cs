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
            Near(Math.Tanh(x), Squash<Simd256, Vector256<float>>.Tanh(Vector256.Create(x))[3]);
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
        Assert.True(float.IsNaN(Squash<SimdScalar, float>.Tanh(float.NaN)));
    }
}
