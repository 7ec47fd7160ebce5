using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

public sealed class RecursionInitializationTests
{
    [Theory]
    [InlineData("fc1", 1600)]
    [InlineData("fc2", 128)]
    [InlineData("fc_latent", 128)]
    [InlineData("fc_out", 128)]
    [InlineData("fc_aux", 128)]
    public void Create_LinearLayer_FillsPyTorchsRange(string layer, int fanIn)
    {
        var weights = RecursionInitialization.Create(RecursionShape.Notebook, 42);
        var bound = 1 / MathF.Sqrt(fanIn);
        foreach (var tensor in new[] { ".weight", ".bias" })
        {
            var values = weights.Parameter(layer + tensor).ToArray();
            Assert.All(values, value => Assert.InRange(value, -bound, bound));
            Assert.True(values.Max() > 0.9f * bound && values.Min() < -0.9f * bound, $"{layer}{tensor}: [{values.Min()}, {values.Max()}]");
            Assert.True(Math.Abs(values.Average()) < 0.25f * bound);
        }
    }

    [Fact]
    public void Create_BatchNorm_IsTheIdentity()
    {
        var weights = RecursionInitialization.Create(new RecursionShape(3, 2, 2), 1);
        foreach (var layer in new[] { "bn1", "bn2" })
        {
            Assert.Equal([1f, 1f], weights.Parameter(layer + ".weight"));
            Assert.Equal([0f, 0f], weights.Parameter(layer + ".bias"));
            Assert.Equal([0f, 0f], weights.Statistic(layer + ".running_mean"));
            Assert.Equal([1f, 1f], weights.Statistic(layer + ".running_var"));
        }
    }

    [Fact]
    public void Create_SameSeed_SameWeights()
    {
        var shape = new RecursionShape(4, 3, 2);
        Assert.Equal(RecursionInitialization.Create(shape, 7).Parameters, RecursionInitialization.Create(shape, 7).Parameters);
        Assert.NotEqual(RecursionInitialization.Create(shape, 7).Parameters, RecursionInitialization.Create(shape, 8).Parameters);
    }
}
