using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Embedding;

public sealed class HashNumbersTests
{
    /// <summary>A dictionary is the truth; the table grows on the way, and hashes share places.</summary>
    [Fact]
    public void Numbers_AreThoseOfFirstOccurrence_ThroughGrowthAndClearing()
    {
        var numbers = new HashNumbers();
        var random = new SplitMix64(5);
        foreach (var count in (int[])[10, 3_000, 10, 200])
        {
            numbers.Clear();
            var truth = new Dictionary<ulong, int>();
            for (var i = 0; i < 3 * count; i++)
            {
                // Half of them differ in their high bits alone.
                var drawn = (ulong)(random.NextDouble() * count);
                var hash = i % 2 == 0 ? FeatureHash.Mix(drawn) : drawn << 40;
                truth.TryAdd(hash, truth.Count);
                Assert.Equal(truth[hash], numbers.Of(hash));
                Assert.Equal(truth.Count, numbers.Count);
            }
            Assert.Equal(truth.Keys.OrderBy(hash => truth[hash]), numbers.Hashes.ToArray());
            Assert.All(truth, pair => Assert.Equal(pair.Value, numbers.Find(pair.Key)));
            Assert.Equal(-1, numbers.Find(FeatureHash.Mix(1UL << 50)));
        }
    }
}
