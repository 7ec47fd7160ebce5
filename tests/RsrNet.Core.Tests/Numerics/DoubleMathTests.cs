using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

/// <summary>Each against a plain loop, at lengths around those of vectors.</summary>
public sealed class DoubleMathTests
{
    private SplitMix64 random = new(11);

    [Theory]
    [InlineData(0), InlineData(1), InlineData(3), InlineData(8), InlineData(21), InlineData(64)]
    public void Products_EqualPlainLoops(int length)
    {
        var (a, b) = (Doubles(length), Doubles(length));
        float[] single = [.. a.Select(value => (float)value)];
        Assert.Equal(Enumerable.Range(0, length).Sum(i => a[i] * b[i]), DoubleMath.Dot(a, b), 1e-12);
        Assert.Equal(Enumerable.Range(0, length).Sum(i => single[i] * b[i]), DoubleMath.Dot(single, b), 1e-12);
        double[] sum = [.. b];
        DoubleMath.AddScaled(sum, a, 0.3);
        for (var i = 0; i < length; i++) Assert.Equal(b[i] + 0.3 * a[i], sum[i], 1e-15);
    }

    [Fact]
    public void LengthsThatDoNotFit_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => DoubleMath.Dot(new double[9], new double[8]));
        Assert.Throws<ArgumentException>(() => DoubleMath.Dot(new float[9], new double[8]));
        Assert.Throws<ArgumentException>(() => DoubleMath.AddScaled(new double[9], new double[8], 1));
    }

    /// <summary>Products of centred vectors as they are when the vectors themselves are centred.</summary>
    [Theory]
    [InlineData(1), InlineData(7), InlineData(8), InlineData(19)]
    public void CentredProducts_AreThoseOfCentredVectors(int count)
    {
        const int d = 12;
        var mean = Doubles(d);
        double[][] vectors = [.. Enumerable.Range(0, count).Select(_ => Doubles(d))];
        double[][] centred = [.. vectors.Select(vector => vector.Zip(mean, (a, m) => a - m).ToArray())];
        double[] along = [.. vectors.Select(vector => DoubleMath.Dot(vector, mean))];
        double[] scales = [.. centred.Select(vector => 1 / Math.Sqrt(DoubleMath.Dot(vector, vector)))];
        float[] products = [.. vectors.Select(vector => (float)DoubleMath.Dot(vector, vectors[^1]))];
        var actual = new float[count];
        DoubleMath.WriteCentred(actual, products, along, DoubleMath.Dot(mean, mean), scales);
        for (var k = 0; k < count; k++) Assert.Equal(DoubleMath.Dot(centred[k], centred[^1]) * scales[k] * scales[^1], actual[k], 1e-5);
    }

    private double[] Doubles(int length) => [.. Enumerable.Range(0, length).Select(_ => (double)random.NextUniform(1))];
}
