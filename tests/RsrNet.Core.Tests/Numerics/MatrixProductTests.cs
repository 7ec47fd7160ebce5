using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class MatrixProductTests
{
    public static TheoryData<VectorWidth> Widths => [.. Enum.GetValues<VectorWidth>().Where(VectorWidths.IsSupported)];

    [Theory]
    [MemberData(nameof(Widths))]
    public void AnyShapeAndForm_EqualsPlainSums(VectorWidth width)
    {
        var random = new Random(7);
        using var product = MatrixProduct.Create(width);
        // Around the sizes of tiles (12, 8, 6, 4, 2, 1 rows), panels (2 to 32 columns) and blocks (256 k, 384 rows, 512 columns).
        int[] rows = [1, 2, 3, 5, 8, 11, 12, 13, 17, 24, 61];
        int[] columns = [1, 2, 7, 8, 31, 32, 33, 64, 100, 130];
        int[] sums = [1, 3, 4, 33, 64, 129];
        for (var i = 0; i < 160; i++)
        {
            var (m, n, k) = (Pick(random, rows), Pick(random, columns), Pick(random, sums));
            if (i % 40 == 0) (m, n, k) = (401, 40, 300);
            if (i % 40 == 1) (m, n, k) = (14, 545, 513);
            Compare(product, random, m, n, k, alpha: i % 3 == 0 ? 0.7f : 1, beta: (i % 4) switch { 0 => 0.3f, 1 => 1, _ => 0 });
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void RowAlone_EqualsThatRowAmongOthers(VectorWidth width)
    {
        var random = new Random(3);
        using var product = MatrixProduct.Create(width);
        const int Rows = 29, K = 70, Columns = 100;
        float[] a = Values(random, Rows * K), b = Values(random, K * Columns), all = new float[Rows * Columns], alone = new float[Columns];
        using var packed = product.Pack(new MatrixOperand(b, K, Columns));
        product.Multiply(new MatrixOperand(a, Rows, K), packed, all);
        for (var row = 0; row < Rows; row++)
        {
            product.Multiply(new MatrixOperand(a.AsSpan(row * K, K), 1, K), packed, alone);
            Assert.Equal(all.AsSpan(row * Columns, Columns), alone.AsSpan());
        }
    }

    [Theory]
    [InlineData(600, 300, 200)]
    [InlineData(40, 2500, 300)]
    [InlineData(2100, 33, 257)]
    public void ManyThreads_GiveTheBitsOfOne(int m, int n, int k)
    {
        var random = new Random(5);
        float[] a = Values(random, m * k), b = Values(random, k * n), one = new float[m * n], many = new float[m * n];
        using (var product = MatrixProduct.Create()) product.Multiply(new MatrixOperand(a, m, k), new MatrixOperand(b, k, n), one);
        foreach (var size in (int[])[2, 3, 5])
        {
            using var team = new WorkerTeam(size);
            using var product = MatrixProduct.Create(team);
            Array.Clear(many);
            product.Multiply(new MatrixOperand(a, m, k), new MatrixOperand(b, k, n), many);
            Assert.Equal(one, many);
        }
    }

    [Fact]
    public void NotANumber_PassesThrough()
    {
        using var product = MatrixProduct.Create();
        float[] a = [1, float.NaN], c = new float[2];
        product.Multiply(new MatrixOperand(a, 2, 1), new MatrixOperand([2], 1, 1), c);
        Assert.Equal([2, float.NaN], c);
    }

    [Fact]
    public void BetaZero_DoesNotReadTheResult()
    {
        using var product = MatrixProduct.Create();
        float[] c = [float.NaN, float.NaN];
        product.Multiply(new MatrixOperand([1, 2], 2, 1), new MatrixOperand([3], 1, 1), c);
        Assert.Equal([3, 6], c);
    }

    [Fact]
    public void SizesThatDoNotFit_AreNamed()
    {
        using var product = MatrixProduct.Create();
        var error = Assert.Throws<ArgumentException>(
            () => product.Multiply(new MatrixOperand(new float[6], 2, 3), new MatrixOperand(new float[8], 4, 2), new float[4]));
        Assert.Contains("[2, 3] cannot multiply [4, 2]", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new MatrixOperand(new float[5], 2, 3));
        Assert.Throws<ArgumentException>(
            () => product.Multiply(new MatrixOperand(new float[6], 2, 3), new MatrixOperand(new float[6], 3, 2), new float[3]));
    }

    [Fact]
    public void SteadyState_AllocatesNothing()
    {
        using var team = new WorkerTeam(2);
        using var product = MatrixProduct.Create(team);
        float[] a = new float[300 * 300], c = new float[300 * 300];
        product.Multiply(new MatrixOperand(a, 300, 300), new MatrixOperand(a, 300, 300), c);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++) product.Multiply(new MatrixOperand(a, 300, 300), new MatrixOperand(a, 300, 300), c);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void Compare(MatrixProduct product, Random random, int m, int n, int k, float alpha, float beta)
    {
        // Rows with a gap after them, whose contents must stay.
        int stride = n + random.Next(3), aGap = random.Next(3), bGap = random.Next(3);
        bool aTurned = random.Next(2) == 0, bTurned = random.Next(2) == 0;
        int aStride = (aTurned ? m : k) + aGap, bStride = (bTurned ? k : n) + bGap;
        float[] a = Values(random, (aTurned ? k : m) * aStride), b = Values(random, (bTurned ? n : k) * bStride);
        var c = Values(random, m * stride);
        var before = (float[])c.Clone();
        var again = (float[])c.Clone();
        var left = aTurned ? new MatrixOperand(a, k, m, aStride).Transpose() : new MatrixOperand(a, m, k, aStride);
        var right = bTurned ? new MatrixOperand(b, n, k, bStride).Transpose() : new MatrixOperand(b, k, n, bStride);
        product.Multiply(left, right, c, stride, alpha, beta);
        using var packed = product.Pack(right);
        product.Multiply(left, packed, again, stride, alpha, beta);
        Assert.Equal(c, again);
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < n; j++)
            {
                double sum = 0, size = 0;
                for (var s = 0; s < k; s++)
                {
                    double term = (double)a[aTurned ? s * aStride + i : i * aStride + s] * b[bTurned ? j * bStride + s : s * bStride + j];
                    sum += term;
                    size += Math.Abs(term);
                }
                var expected = alpha * sum + beta * before[i * stride + j];
                Assert.Equal(expected, c[i * stride + j], 1e-6 * (size + 1));
            }
            for (var j = n; j < stride; j++) Assert.Equal(before[i * stride + j], c[i * stride + j]);
        }
    }

    private static int Pick(Random random, int[] from) => from[random.Next(from.Length)];

    private static float[] Values(Random random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = random.NextSingle() - 0.5f;
        return values;
    }
}
