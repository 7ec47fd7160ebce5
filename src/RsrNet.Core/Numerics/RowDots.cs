using System.Runtime.CompilerServices;

namespace RsrNet.Core.Numerics;

/// <summary>
/// A product with a right side that lies transposed, as a layer's weight does, without packing it: each element is a dot product of two rows. For
/// the few rows of a small batch that meet a weight once, packing would cost more than the product.
/// </summary>
internal static unsafe class RowDots<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Rows of a tile. Times two columns: eight sums, enough to keep two units busy over four cycles of latency.</summary>
    private const int TileRows = 4;

    /// <summary>result = left * right^T + start.</summary>
    /// <param name="left">[rows, k]</param>
    /// <param name="right">[columns, k]</param>
    /// <param name="result">[rows, columns]; may be the start values' place.</param>
    /// <param name="start">[rows, columns], or [columns] with a stride of 0.</param>
    public static void Multiply(
        int rows, int columns, int k, float* left, nint leftRow, float* right, nint rightRow, float* result, nint resultRow, float* start,
        nint startRow)
    {
        var sums = stackalloc float[2 * TileRows];
        for (var column = 0; column < columns; column += 2)
        {
            // At an end a row or column stands in for the one that is not there; its sums go nowhere.
            var right1 = column + 1 < columns ? right + rightRow : right;
            for (var row = 0; row < rows; row += TileRows)
            {
                var tile = left + row * leftRow;
                var last = rows - row - 1;
                Tile(k, tile, tile + Math.Min(1, last) * leftRow, tile + Math.Min(2, last) * leftRow, tile + Math.Min(3, last) * leftRow, right, right1, sums);
                for (var r = row; r < Math.Min(rows, row + TileRows); r++)
                {
                    for (var c = column; c < Math.Min(columns, column + 2); c++)
                    {
                        result[r * resultRow + c] = start[r * startRow + c] + sums[2 * (r - row) + c - column];
                    }
                }
            }
            right += 2 * rightRow;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(int count, float* left0, float* left1, float* left2, float* left3, float* right0, float* right1, float* sums)
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        var k = 0;
        for (; k + TSimd.Count <= count; k += TSimd.Count)
        {
            TVector b0 = TSimd.Load(right0 + k), b1 = TSimd.Load(right1 + k);
            Step(left0 + k, b0, b1, ref c00, ref c01);
            Step(left1 + k, b0, b1, ref c10, ref c11);
            Step(left2 + k, b0, b1, ref c20, ref c21);
            Step(left3 + k, b0, b1, ref c30, ref c31);
        }
        sums[0] = TSimd.Sum(c00);
        sums[1] = TSimd.Sum(c01);
        sums[2] = TSimd.Sum(c10);
        sums[3] = TSimd.Sum(c11);
        sums[4] = TSimd.Sum(c20);
        sums[5] = TSimd.Sum(c21);
        sums[6] = TSimd.Sum(c30);
        sums[7] = TSimd.Sum(c31);
        for (; k < count; k++)
        {
            sums[0] += left0[k] * right0[k];
            sums[1] += left0[k] * right1[k];
            sums[2] += left1[k] * right0[k];
            sums[3] += left1[k] * right1[k];
            sums[4] += left2[k] * right0[k];
            sums[5] += left2[k] * right1[k];
            sums[6] += left3[k] * right0[k];
            sums[7] += left3[k] * right1[k];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(float* left, TVector b0, TVector b1, ref TVector c0, ref TVector c1)
    {
        var a = TSimd.Load(left);
        c0 = TSimd.MultiplyAdd(a, b0, c0);
        c1 = TSimd.MultiplyAdd(a, b1, c1);
    }
}
