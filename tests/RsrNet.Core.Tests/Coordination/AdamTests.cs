using RsrNet.Core.Coordination;

namespace RsrNet.Core.Tests.Coordination;

public sealed class AdamTests
{
    /// <summary>Compared with the paper's formula in double, over lengths with and without a rest after the vectors.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(37)]
    public void Step_ManySteps_FollowsThePaper(int count)
    {
        var options = new CoordinationOptions();
        var state = new AdamState(count);
        var parameters = Enumerable.Range(0, count).Select(i => i * 0.1f).ToArray();
        var expected = parameters.Select(p => (double)p).ToArray();
        double[] mean = new double[count], variance = new double[count];
        for (var step = 1; step <= 20; step++)
        {
            var gradient = Enumerable.Range(0, count).Select(i => MathF.Sin(i + step) * MathF.Pow(10, -(i % 5))).ToArray();
            Adam.Step(parameters, gradient, 0.5f, state, options);
            for (var i = 0; i < count; i++)
            {
                var g = 0.5 * gradient[i];
                mean[i] = 0.9 * mean[i] + 0.1 * g;
                variance[i] = 0.999 * variance[i] + 0.001 * g * g;
                var unbiased = variance[i] / (1 - Math.Pow(0.999, step));
                expected[i] -= 1e-3 * (mean[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(unbiased) + 1e-8);
            }
        }
        Assert.Equal(20, state.Step);
        for (var i = 0; i < count; i++) Assert.Equal(expected[i], parameters[i], 2e-6);
    }

    [Fact]
    public void Step_ZeroGradient_LeavesFreshParameters()
    {
        float[] parameters = [1, 2, 3];
        Adam.Step(parameters, new float[3], 1, new AdamState(3), new CoordinationOptions());
        Assert.Equal([1f, 2f, 3f], parameters);
    }

    [Fact]
    public void Step_OtherLength_Throws()
    {
        Assert.Throws<ArgumentException>(() => Adam.Step(new float[3], new float[2], 1, new AdamState(3), new CoordinationOptions()));
        Assert.Throws<ArgumentException>(() => Adam.Step(new float[3], new float[3], 1, new AdamState(2), new CoordinationOptions()));
    }

    [Fact]
    public void Norm_LongGradient_IsTheRootOfSquares()
    {
        var gradient = Enumerable.Range(0, 1001).Select(i => i * 1e-3f).ToArray();
        Assert.Equal(Math.Sqrt(gradient.Sum(g => (double)g * g)), GradientClip.Norm(gradient), 1e-9);
        gradient[1000] = float.PositiveInfinity;
        Assert.False(double.IsFinite(GradientClip.Norm(gradient)));
        gradient[3] = float.NaN;
        Assert.True(double.IsNaN(GradientClip.Norm(gradient)));
    }

    [Fact]
    public void Coefficient_BelowAndAboveTheLimit()
    {
        Assert.Equal(1, GradientClip.Coefficient(0.5, 1));
        Assert.Equal((float)(1 / (4 + 1e-6)), GradientClip.Coefficient(4, 1));
    }
}
