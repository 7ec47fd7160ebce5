using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class PrincipalAxesTests
{
    [Fact]
    public void Axes_FindTheDirectionsOfMostVariance()
    {
        // Variance 9 along (3, 4, 0) / 5, 1 along (-4, 3, 0) / 5 and almost none along the third.
        var axes = new PrincipalAxes(3, 2);
        var random = new SplitMix64(7);
        for (var i = 0; i < 4000; i++)
        {
            var (a, b, c) = (5.2 * Uniform(ref random), 1.7 * Uniform(ref random), 0.1 * Uniform(ref random));
            axes.Add([(float)(0.6 * a - 0.8 * b + 10), (float)(0.8 * a + 0.6 * b - 5), (float)c]);
        }
        var place = new float[2];
        axes.Project([10 + 0.6f, -5 + 0.8f, 0], place);
        Assert.InRange(Math.Abs(place[0]), 0.9f, 1.1f);
        Assert.InRange(Math.Abs(place[1]), 0f, 0.25f);
        axes.Project([10 - 0.8f, -5 + 0.6f, 0], place);
        Assert.InRange(Math.Abs(place[1]), 0.9f, 1.1f);
    }

    [Fact]
    public void VectorThatIsNoNumber_ChangesNothing()
    {
        var axes = new PrincipalAxes(2, 1);
        axes.Add([1, 0]);
        axes.Add([float.NaN, 0]);
        Assert.Equal(1, axes.Seen);
    }

    private static double Uniform(ref SplitMix64 random) => 2 * random.NextDouble() - 1;
}
