using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Coordination;

public sealed class FusedAdamTests
{
    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>().Where(VectorWidths.IsSupported)];

    [Theory]
    [MemberData(nameof(Widths))]
    public void ManySteps_EqualThePlainOnes(VectorWidth width)
    {
        const int Count = 1003;
        var random = new Random(5);
        var options = new CoordinationOptions { LearningRate = 0.01 };
        AdamState plainState = new(Count), state = new(Count);
        float[] plain = new float[Count], fused = new float[Count], gradient = new float[Count];
        for (var i = 0; i < Count; i++) plain[i] = fused[i] = random.NextSingle() - 0.5f;
        for (var step = 0; step < 60; step++)
        {
            // Sizes over ten orders of magnitude; some elements that never get a gradient, some that get one only at first.
            for (var i = 0; i < Count; i++)
            {
                var silent = i is >= 100 and < 200 || (i is >= 300 and < 400 && step > 5);
                gradient[i] = silent ? 0 : (random.NextSingle() - 0.5f) * MathF.Pow(10, -(i % 11));
            }
            Adam.Step(plain, gradient, 0.3f, plainState, options);
            FusedAdam.Step(fused, gradient, 0.3f, state, options, width);
        }
        Assert.Equal(plainState.Step, state.Step);
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(plain[i], fused[i], 2e-6);
            Assert.Equal(plainState.Mean[i], state.Mean[i], 1e-6 * Math.Abs(plainState.Mean[i]) + 1e-9);
            Assert.Equal(plainState.Variance[i], state.Variance[i], 1e-5 * plainState.Variance[i]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(64)]
    [InlineData(1007)]
    public void Norm_EqualsThePlainOne(int count)
    {
        // The last two are beyond the squares that single precision holds.
        foreach (var scale in (float[])[1e-9f, 1, 1e10f, 1e-35f])
        {
            var random = new Random(5);
            var gradient = new float[count];
            for (var i = 0; i < count; i++) gradient[i] = scale * (random.NextSingle() - 0.5f) * MathF.Pow(10, i % 20);
            Assert.Equal(GradientClip.Norm(gradient), FusedAdam.Norm(gradient), 2e-7 * GradientClip.Norm(gradient));
        }
    }

    [Fact]
    public void Norm_LargestFloats_IsFinite_AndNotANumberIsNot()
    {
        var gradient = new float[100];
        Array.Fill(gradient, float.MaxValue);
        Assert.Equal(10.0 * float.MaxValue, FusedAdam.Norm(gradient), 1e25);
        gradient[70] = float.NaN;
        Assert.False(double.IsFinite(FusedAdam.Norm(gradient)));
        gradient[70] = float.NegativeInfinity;
        Assert.False(double.IsFinite(FusedAdam.Norm(gradient)));
    }

    [Fact]
    public void LengthsThatDiffer_AreNamed()
    {
        var error = Assert.Throws<ArgumentException>(() => FusedAdam.Step(new float[4], new float[3], 1, new AdamState(4), new CoordinationOptions()));
        Assert.Contains("3 elements, the network 4", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => FusedAdam.Step(new float[4], new float[4], 1, new AdamState(5), new CoordinationOptions()));
    }
}
