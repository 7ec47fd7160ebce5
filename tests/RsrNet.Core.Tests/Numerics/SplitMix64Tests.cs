using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class SplitMix64Tests
{
    /// <summary>The first outputs for seed 1234567 as published with the reference implementation.</summary>
    [Fact]
    public void Next_PublishedSeed_GivesPublishedNumbers()
    {
        var random = new SplitMix64(1234567);
        Assert.Equal(6457827717110365317UL, random.Next());
        Assert.Equal(3203168211198807973UL, random.Next());
        Assert.Equal(9817491932198370423UL, random.Next());
    }

    [Fact]
    public void NextUniform_ManyNumbers_FillTheRangeEvenly()
    {
        var random = new SplitMix64(1);
        var numbers = Enumerable.Range(0, 10_000).Select(_ => random.NextUniform(2)).ToArray();
        Assert.All(numbers, number => Assert.InRange(number, -2, 2));
        for (var quarter = -2; quarter < 2; quarter++)
            Assert.InRange(numbers.Count(number => number >= quarter && number < quarter + 1), 2_300, 2_700);
    }
}
