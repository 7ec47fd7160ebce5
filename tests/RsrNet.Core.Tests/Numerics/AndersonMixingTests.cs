using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class AndersonMixingTests
{
    /// <summary>x = A x + b with a contraction of 0.9: the plain iteration needs 150 steps to 1e-6, the mixture as many as there are dimensions and a few.</summary>
    [Fact]
    public void LinearMap_IsSolvedInAFewSteps()
    {
        Assert.InRange(Steps(new AndersonMixing(5)), 4, 15);
        Assert.InRange(Steps(null), 80, 400);
    }

    [Fact]
    public void FirstStep_AndAFixedPoint_AreLeftAsTheyAre()
    {
        var mixing = new AndersonMixing(3);
        Assert.Equal([2f, 3f], mixing.Next([1f, 1f], [2f, 3f]));
        Assert.Equal([2f, 3f], mixing.Next([2f, 3f], [2f, 3f]));
        Assert.Equal([2f, 3f], mixing.Next([2f, 3f], [2f, 3f]));
    }

    [Fact]
    public void Reset_ForgetsTheMapBefore()
    {
        var (used, fresh) = (new AndersonMixing(3), new AndersonMixing(3));
        used.Next([0f, 0f], [1f, 2f]);
        used.Next([1f, 2f], [1.5f, 2.5f]);
        used.Reset();
        Assert.Equal(fresh.Next([0f, 0f], [3f, 1f]), used.Next([0f, 0f], [3f, 1f]));
        Assert.Equal(fresh.Next([3f, 1f], [4f, 1.5f]), used.Next([3f, 1f], [4f, 1.5f]));
    }

    private static int Steps(AndersonMixing? mixing)
    {
        float[] x = [0, 0, 0, 0];
        for (var step = 1; step <= 1000; step++)
        {
            float[] next = [0.9f * x[0] + 1, -0.7f * x[1] + 1, 0.5f * x[2] + 0.1f * x[3], 0.8f * x[3] + 2];
            if (VectorMath.RelativeDistance(next, x) < 1e-5) return step;
            x = mixing?.Next(x, next) ?? next;
        }
        return int.MaxValue;
    }
}
