using RsrNet.Core.Coordination;

namespace RsrNet.Core.Tests.Coordination;

public sealed class BatchPlanTests
{
    [Theory]
    [InlineData(12, 3, 2, "4 4 4")]
    [InlineData(13, 3, 2, "4 4 5")]
    [InlineData(5, 3, 2, "2 3")]
    [InlineData(3, 3, 2, "3")]
    [InlineData(1, 3, 2, "1")]
    [InlineData(4, 1, 2, "4")]
    [InlineData(32, 3, 16, "16 16")]
    public void Of_Synchronous_SharesOneBatchEvenlyWithAtLeastTheMinimumEach(int documents, int replicas, int minimum, string sizes)
    {
        var plan = Plan(documents, replicas, new CoordinationOptions { BatchSize = 32, Replicas = replicas, MinimumBatch = minimum });
        Assert.Equal(sizes, string.Join(' ', plan.Select(part => part.Batches.Single().Count)));
        Assert.Equal(Enumerable.Range(0, documents), plan.SelectMany(part => part.Batches[0]));
    }

    [Fact]
    public void Of_Asynchronous_GivesTheFirstFreeReplicaTheWholeBatch()
    {
        var plan = BatchPlan.Of([1, 2, 3], [4, 6], new CoordinationOptions { Mode = CoordinationMode.Asynchronous, Replicas = 8 });
        var (replica, batches) = Assert.Single(plan);
        Assert.Equal(4, replica);
        Assert.Equal([1, 2, 3], batches.Single());
    }

    [Theory]
    [InlineData(8, "4 | 4")]
    [InlineData(20, "4 4 4 | 4 4")]
    [InlineData(9, "4 | 5")] // nobody alone
    [InlineData(10, "4 2 | 4")]
    [InlineData(1, "1")]
    public void Of_LocalSteps_DealsWholeBatchesInTurn(int documents, string sizes)
    {
        var options = new CoordinationOptions { Mode = CoordinationMode.LocalSteps, BatchSize = 4, Replicas = 2, AveragingPeriod = 3 };
        var plan = Plan(documents, 2, options);
        Assert.Equal(sizes, string.Join(" | ", plan.Select(part => string.Join(' ', part.Batches.Select(batch => batch.Count)))));
        Assert.Equal(Enumerable.Range(0, documents), plan.SelectMany(part => part.Batches).SelectMany(batch => batch).Order());
    }

    [Fact]
    public void MostDocuments_LocalSteps_GrowsWithTheAveragingPeriod()
    {
        var options = new CoordinationOptions { Mode = CoordinationMode.LocalSteps, BatchSize = 4, Replicas = 2, AveragingPeriod = 3 };
        Assert.Equal(24, BatchPlan.MostDocuments(2, options));
        Assert.Equal(4, BatchPlan.MostDocuments(2, options with { Mode = CoordinationMode.Synchronous }));
    }

    private static IReadOnlyList<(int Replica, IReadOnlyList<IReadOnlyList<int>> Batches)> Plan(int documents, int replicas, CoordinationOptions options) =>
        BatchPlan.Of([.. Enumerable.Range(0, documents)], [.. Enumerable.Range(0, replicas)], options);
}
