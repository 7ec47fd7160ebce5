using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed unsafe class Int8WeightsTests
{
    [Theory]
    [InlineData(1, 4, 16)]
    [InlineData(7, 5, 3)]
    [InlineData(13, 70, 50)]
    [InlineData(12, 768, 48)]
    [InlineData(6, 3072, 16)]
    public void Multiply_Fast_GivesThePlainLoopsBits(int rows, int inputs, int outputs)
    {
        if (!Int8Weights.IsFast) Assert.Skip("this processor has no AVX-VNNI");
        var (left, weights) = (Numbers(rows * inputs, 1), Numbers(outputs * inputs, 2));
        Assert.Equal(Product(left, weights, rows, inputs, outputs, plain: true), Product(left, weights, rows, inputs, outputs, plain: false));
    }

    [Theory]
    [InlineData(5, 40, 20)]
    [InlineData(3, 7, 33)]
    public void Multiply_IsTheProductWithinTheStepsRounding(int rows, int inputs, int outputs)
    {
        var (left, weights) = (Numbers(rows * inputs, 3), Numbers(outputs * inputs, 4));
        var product = Product(left, weights, rows, inputs, outputs, plain: true);
        for (var row = 0; row < rows; row++)
        {
            for (var output = 0; output < outputs; output++)
            {
                double exact = Start(output), bound = 1e-5;
                for (var k = 0; k < inputs; k++)
                {
                    double a = left[row * inputs + k], w = weights[output * inputs + k];
                    exact += a * w;
                    // Numbers lie in [-1, 1): half a step of 2 / 255 on the one side, of 1 / 127 on the other; the zero's rounding as much again.
                    bound += Math.Abs(w) * 2 / 255 + Math.Abs(a) / 254 + 1e-4;
                }
                Assert.InRange(product[row * outputs + output], exact - bound, exact + bound);
            }
        }
    }

    [Fact]
    public void Quantize_RowsOfZerosAndOfOneSign_KeepZeroExact()
    {
        float[] rows = [0, 0, 0, 0, 5, 6, 7, 8, -1, -2, -3, 0];
        using var numbers = new Int8Rows();
        fixed (float* source = rows) numbers.Quantize(source, 3, 4);
        for (var i = 0; i < rows.Length; i++)
        {
            var row = i / 4;
            var value = numbers.Steps[row] * (numbers.Numbers[i] - numbers.Zeros[row]);
            Assert.Equal(rows[i], value, numbers.Steps[row] * 0.51f);
            if (rows[i] == 0) Assert.Equal(0, value);
        }
    }

    private static float Start(int output) => output * 0.5f;

    private static float[] Product(float[] left, float[] weights, int rows, int inputs, int outputs, bool plain)
    {
        using var numbers = new Int8Rows();
        using var map = new Int8Weights(weights, inputs, outputs);
        var result = new float[rows * outputs];
        float[] start = [.. Enumerable.Range(0, outputs).Select(Start)];
        fixed (float* source = left, target = result, first = start)
        {
            numbers.Quantize(source, rows, inputs);
            map.Multiply(numbers, rows, target, outputs, first, 0, outputs, plain: plain);
        }
        return result;
    }

    /// <summary>Numbers in [-1, 1).</summary>
    private static float[] Numbers(int count, ulong seed)
    {
        var random = new SplitMix64(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextUniform(1))];
    }
}
