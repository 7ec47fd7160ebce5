using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

public sealed class SupervisionTests
{
    private static readonly RecursionShape Small = new(8, 6, 4);

    [Fact]
    public void Run_RepeatedBatches_LearnTheTargets()
    {
        var (engine, coordinator) = Create();
        var supervision = new Supervision(engine, coordinator, Never);
        float first = 0, last = 0;
        for (var epoch = 0; epoch < 200; epoch++)
        {
            var steps = supervision.Run(RandomBatch.Of(Small, 6, seed: 3)).ToList();
            Assert.Equal(3, steps.Count);
            if (epoch == 0) first = steps[0].Loss;
            last = steps[2].Loss;
        }
        Assert.True(last < 0.5f * first, $"loss went from {first} to {last}");
        Assert.Equal(600, coordinator.Version);
        Assert.Equal(600 * 12, coordinator.Weights.BatchesTracked);
    }

    [Fact]
    public void Run_StateIsCarried_FromStepToStep()
    {
        var (engine, coordinator) = Create();
        var batch = RandomBatch.Of(Small, 4, seed: 3);
        using var manual = new ReferenceEngine(Small, Never);
        var weights = coordinator.Weights.Clone();
        var states = new List<float[]>();
        foreach (var step in new Supervision(engine, coordinator, Never).Run(batch)) states.Add([.. batch.Y]);

        var again = RandomBatch.Of(Small, 4, seed: 3);
        var other = new Coordinator(weights, new CoordinationOptions());
        var gradient = new float[weights.Parameters.Length];
        manual.Load(weights);
        for (var step = 0; step < 3; step++)
        {
            other.Apply(gradient, manual.Train(again, gradient));
            manual.ReadStatistics(weights);
            manual.Load(weights);
            Assert.Equal(states[step], again.Y);
        }
        Assert.Equal(coordinator.Weights.Statistics, weights.Statistics);
    }

    /// <summary>A known document's stored state is where the recursion begins: from another state, another first step.</summary>
    [Fact]
    public void Run_StoredState_ChangesTheStep()
    {
        var cold = RandomBatch.Of(Small, 4, seed: 3);
        var warm = RandomBatch.WithState(Small, 4, seed: 3);
        Assert.Equal(cold.X, warm.X);
        var (coldEngine, coldCoordinator) = Create();
        var (warmEngine, warmCoordinator) = Create();
        var coldStep = new Supervision(coldEngine, coldCoordinator, Never).Run(cold).First();
        var warmStep = new Supervision(warmEngine, warmCoordinator, Never).Run(warm).First();
        Assert.NotEqual(coldStep.Loss, warmStep.Loss);
        Assert.NotEqual(cold.Y, warm.Y);
    }

    [Fact]
    public void Run_ConfidenceAboveTheLimit_StopsEarly()
    {
        var (engine, coordinator) = Create();
        var supervision = new Supervision(engine, coordinator, Never with { StopConfidence = 0.1 });
        var steps = supervision.Run(RandomBatch.Of(Small, 4, seed: 3)).ToList();
        Assert.Single(steps);
        Assert.True(steps[0].Confidence > 0.1);
        Assert.Equal(1, coordinator.Version);
    }

    [Fact]
    public void Run_NotANumber_IsRefusedAndStatisticsComeBack()
    {
        var (engine, coordinator) = Create();
        var before = coordinator.Weights.Clone();
        var bad = RandomBatch.Of(Small, 4, seed: 3);
        bad.X[0] = float.NaN;
        var supervision = new Supervision(engine, coordinator, Never);
        var step = Assert.Single(supervision.Run(bad));
        Assert.False(step.Applied);
        Assert.Equal(1, coordinator.RefusedGradients);
        Assert.Equal(before.Parameters, coordinator.Weights.Parameters);
        Assert.Equal(before.Statistics, coordinator.Weights.Statistics);
        Assert.All(supervision.Run(RandomBatch.Of(Small, 4, seed: 3)), good => Assert.True(good.Applied));
    }

    private static RecursionOptions Never => new() { StopConfidence = 2 };

    private static (ReferenceEngine Engine, Coordinator Coordinator) Create() =>
        (new ReferenceEngine(Small, Never), new Coordinator(RecursionInitialization.Create(Small, 5), new CoordinationOptions()));
}
