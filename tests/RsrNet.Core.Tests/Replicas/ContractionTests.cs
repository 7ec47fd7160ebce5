using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

public sealed class ContractionTests
{
    [Theory]
    [InlineData(0.5f)]
    [InlineData(-0.9f)]
    [InlineData(1.5f)]
    public void SpectralRadius_OfALinearMap_IsItsLargestFactor(float factor)
    {
        using var engine = new LinearEngine(factor);
        var batch = new RecursionBatch(engine.Shape, 2);
        Array.Fill(batch.Y, 1);
        Assert.Equal(Math.Abs(factor), Contraction.SpectralRadius(engine, batch), 2);
    }

    /// <summary>y' = factor y in its first element, a tenth of that in the others; z' = 0.</summary>
    private sealed class LinearEngine(float factor) : IRecursionEngine
    {
        public string Name => "linear";

        public RecursionShape Shape { get; } = new(6, 4, 3);

        public void Load(RecursionWeights weights)
        {
        }

        public float Train(RecursionBatch batch, Span<float> gradient) => throw new NotSupportedException();

        public void Refine(RecursionBatch batch)
        {
            for (var i = 0; i < batch.Rows * Shape.D; i++) batch.Y[i] *= i % Shape.D == 0 ? factor : 0.1f * factor;
            Array.Clear(batch.Z);
        }

        public void ReadStatistics(RecursionWeights destination)
        {
        }

        public void Dispose()
        {
        }
    }
}
