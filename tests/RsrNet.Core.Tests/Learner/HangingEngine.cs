using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Learner;

/// <summary>Hangs at the training step that is said, until it is released.</summary>
internal sealed class HangingEngine(IRecursionEngine inner, Func<bool> hangs, ManualResetEventSlim release) : IRecursionEngine
{
    public string Name => inner.Name;

    public RecursionShape Shape => inner.Shape;

    public void Load(RecursionWeights weights) => inner.Load(weights);

    public float Train(RecursionBatch batch, Span<float> gradient)
    {
        var loss = inner.Train(batch, gradient);
        if (hangs()) release.Wait(TestContext.Current.CancellationToken);
        return loss;
    }

    public void Refine(RecursionBatch batch) => inner.Refine(batch);

    public void ReadStatistics(RecursionWeights destination) => inner.ReadStatistics(destination);

    public void Dispose() => inner.Dispose();
}
