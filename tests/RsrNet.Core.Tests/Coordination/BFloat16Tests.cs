using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Coordination;

public sealed class BFloat16Tests
{
    [Fact]
    public void Round_AnyFloat_ChangesByAtMostOne256th()
    {
        var random = new SplitMix64(7);
        for (var i = 0; i < 20_000; i++)
        {
            var value = random.NextUniform(1) * MathF.Pow(10, i % 60 - 30);
            float[] rounded = [value];
            BFloat16.Round(rounded);
            Assert.True(Math.Abs((double)rounded[0] - value) <= Math.Abs(value) / 256.0, $"{value:R} became {rounded[0]:R}");
            Assert.Equal(0u, BitConverter.SingleToUInt32Bits(rounded[0]) & 0xFFFF);
        }
    }

    [Theory]
    [InlineData(1.00390625f, 1f)] // half way between 1 and the next: to the even one
    [InlineData(1.01171875f, 1.015625f)] // half way again, where the even one is above
    [InlineData(1.0041f, 1.0078125f)]
    [InlineData(-0f, -0f)]
    public void Round_Halfway_GoesToEven(float value, float expected)
    {
        float[] rounded = [value];
        BFloat16.Round(rounded);
        Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(rounded[0]));
    }

    [Fact]
    public void Pack_NotFinite_StaysSo()
    {
        float[] values = [float.NaN, BitConverter.UInt32BitsToSingle(0x7F80_0001), float.PositiveInfinity, float.NegativeInfinity, 2.5f];
        var halves = new ushort[values.Length];
        BFloat16.Pack(values, halves);
        var back = new float[values.Length];
        BFloat16.Unpack(halves, back);
        Assert.True(float.IsNaN(back[0]) && float.IsNaN(back[1]));
        Assert.Equal([float.PositiveInfinity, float.NegativeInfinity, 2.5f], back[2..]);
    }
}
