using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RsrNet.Core.Numerics;

/// <summary>
/// Both sides of a product cut into the strips that the tiles read front to back. A panel is [steps][width]: for each k the values of its lanes
/// (the columns of the right side, the rows of the left side), side by side.
/// </summary>
internal static unsafe class MatrixPanels<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Columns done for all rows before the next ones: their panels, at most 512 KB, stay in the second-level cache.</summary>
    private const int GroupColumns = 256;

    private static int Width => MatrixTile<TSimd, TVector>.PanelWidth;

    /// <summary>Floats of a packed right side.</summary>
    public static long RightLength(int k, int columns) => (long)k * ((columns + Width - 1) / Width * Width);

    /// <summary>Packs [k, columns] as [panel][k][panel width]; the last panel is filled up with zeros.</summary>
    /// <param name="step">From one k to the next in the source.</param>
    /// <param name="lane">From one column to the next in the source.</param>
    /// <param name="panel">From one panel to the next in the target; k panel widths where it holds nothing else.</param>
    public static void PackRight(float* source, nint step, nint lane, int k, int columns, float* target, nint panel)
    {
        for (var column = 0; column < columns; column += Width)
        {
            Pack(source + column * lane, step, lane, k, Math.Min(Width, columns - column), target, Width);
            target += panel;
        }
    }

    /// <summary>Packs [rows, k] as [tile][k][tile rows]; the last tile is as narrow as the rows left over.</summary>
    public static void PackLeft(float* source, nint lane, nint step, int rows, int k, float* target)
    {
        var height = MatrixTile<TSimd, TVector>.TileRows;
        for (var row = 0; row < rows; row += height)
        {
            var lanes = Math.Min(height, rows - row);
            Pack(source + row * lane, step, lane, k, lanes, target, lanes);
            target += (nint)k * lanes;
        }
    }

    /// <summary>
    /// result = max(floor, alpha * left * right + beta * start) for [rows, columns]. Start values and result may be the same place. A right side
    /// that is not packed must be readable up to the end of its last panel.
    /// </summary>
    /// <param name="form">Its strides describe the left side as it lies (packed tiles have their own method).</param>
    public static void Multiply(in TileForm form, int rows, int columns, float* left, float* right, float* result, float* start)
    {
        var panels = columns / Width;
        // Few rows read each panel once, whatever they do; several panels at a time keep more sums in flight.
        var flat = rows <= 2 ? panels : 0;
        if (flat > 0) MatrixTile<TSimd, TVector>.Flat(form, rows, flat, left, right, result, start);
        for (var panel = flat; panel < panels; panel++)
        {
            MatrixTile<TSimd, TVector>.Panel(
                form, rows, left, right + panel * form.RightPanel, result + panel * Width, start == null ? null : start + panel * Width);
        }
        var rest = columns - panels * Width;
        if (rest == 0) return;
        var done = panels * Width;
        Edge(form, rows, rest, left, right + panels * form.RightPanel, result + done, start == null ? null : start + done);
    }

    /// <summary><see cref="Multiply"/> for a left side that <see cref="PackLeft"/> made.</summary>
    public static void MultiplyPacked(in TileForm form, int rows, int columns, float* left, float* right, float* result, float* start)
    {
        var height = MatrixTile<TSimd, TVector>.TileRows;
        var tiles = form;
        for (var group = 0; group < columns; group += GroupColumns)
        {
            var end = Math.Min(columns, group + GroupColumns);
            for (var row = 0; row < rows; row += height)
            {
                var lanes = Math.Min(height, rows - row);
                tiles.LeftRow = 1;
                tiles.LeftStep = lanes;
                var tile = left + row * form.K;
                for (var column = group; column < end; column += Width)
                {
                    var panel = right + column / Width * form.RightPanel;
                    var target = result + row * form.Row + column;
                    var from = start == null ? null : start + row * form.StartRow + column;
                    FetchAhead(target, form.Row, lanes);
                    if (column + Width <= end) MatrixTile<TSimd, TVector>.Panel(tiles, lanes, tile, panel, target, from);
                    else Edge(tiles, lanes, end - column, tile, panel, target, from);
                }
            }
        }
    }

    /// <summary>
    /// Calls a tile of the result into the first cache while its sums are made. Its rows lie far apart, where no hardware guesses the next one: without
    /// this a product of 2048 waits for memory at every tile when other programs use the shared cache (median 0.80 of the peak instead of 0.84).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchAhead(float* result, nint row, int rows)
    {
        if (!Sse.IsSupported) return;
        for (var i = 0; i < rows; i++)
        {
            // The panel is two vectors wide: two cache lines, or three where it begins inside one.
            Sse.Prefetch0(result);
            Sse.Prefetch0(result + TSimd.Count);
            Sse.Prefetch0(result + Width - 1);
            result += row;
        }
    }

    /// <summary>The last panel, of which only some columns exist: computed aside, then copied.</summary>
    private static void Edge(in TileForm form, int rows, int columns, float* left, float* right, float* result, float* start)
    {
        const int MostRows = 12, MostColumns = 32;
        var aside = stackalloc float[MostRows * MostColumns];
        var sums = form;
        sums.Row = Width;
        sums.Floor = float.NegativeInfinity;
        for (var row = 0; row < rows; row += MostRows)
        {
            var count = Math.Min(MostRows, rows - row);
            MatrixTile<TSimd, TVector>.Panel(sums, count, left + row * form.LeftRow, right, aside, null);
            for (var r = 0; r < count; r++)
            {
                for (var c = 0; c < columns; c++)
                {
                    var value = aside[r * Width + c];
                    if (start != null) value = float.MultiplyAddEstimate(form.Beta, start[(row + r) * form.StartRow + c], value);
                    result[(row + r) * form.Row + c] = value < form.Floor ? form.Floor : value;
                }
            }
        }
    }

    private static void Pack(float* source, nint step, nint lane, int steps, int lanes, float* target, int width)
    {
        if (lane == 1) CopyLanes(source, step, steps, lanes, target, width);
        else if (step == 1) TransposeLanes(source, lane, steps, lanes, target, width);
        else throw new ArgumentException("one of a matrix's two strides must be 1", nameof(step));
        if (lanes == width) return;
        for (var k = 0; k < steps; k++) new Span<float>(target + (nint)k * width + lanes, width - lanes).Clear();
    }

    /// <summary>Lanes side by side in the source: rows are copied.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyLanes(float* source, nint step, int steps, int lanes, float* target, int width)
    {
        if (lanes == 2 * TSimd.Count)
        {
            for (var k = 0; k < steps; k++)
            {
                TSimd.Store(target, TSimd.Load(source));
                TSimd.Store(target + TSimd.Count, TSimd.Load(source + TSimd.Count));
                source += step;
                target += width;
            }
            return;
        }
        for (var k = 0; k < steps; k++)
        {
            var i = 0;
            for (; i + 4 <= lanes; i += 4) Vector128.Load(source + i).Store(target + i);
            for (; i < lanes; i++) target[i] = source[i];
            source += step;
            target += width;
        }
    }

    /// <summary>
    /// Steps side by side in the source: transposed in squares of 16, whose rows are whole cache lines on both sides, so that each line is read and
    /// written once; the rest in squares of 4.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeLanes(float* source, nint lane, int steps, int lanes, float* target, int width)
    {
        const int Edge = 16;
        var done = Avx512F.IsSupported ? lanes / Edge * Edge : 0;
        for (var i = 0; i < done; i += Edge)
        {
            var from = source + i * lane;
            var to = target + i;
            var k = 0;
            for (; k + Edge <= steps; k += Edge)
            {
                TransposeLines(from + k, lane, to, width);
                to += Edge * width;
            }
            for (; k < steps; k++)
            {
                for (var j = 0; j < Edge; j++) to[j] = from[j * lane + k];
                to += width;
            }
        }
        if (lanes > done) TransposeSquares(source + done * lane, lane, steps, lanes - done, target + done, width);
    }

    /// <summary>Squares of 4, and all lanes for a few steps before the next ones, while the target's lines are in the first cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeSquares(float* source, nint lane, int steps, int lanes, float* target, int width)
    {
        const int BlockSteps = 32;
        var squares = Sse.IsSupported ? lanes / 4 * 4 : 0;
        for (var block = 0; block < steps; block += BlockSteps)
        {
            var end = Math.Min(steps, block + BlockSteps);
            for (var i = 0; i < squares; i += 4)
            {
                float* s0 = source + i * lane, s1 = s0 + lane, s2 = s1 + lane, s3 = s2 + lane;
                var t = target + (nint)block * width + i;
                var k = block;
                for (; k + 4 <= end; k += 4)
                {
                    Transpose(s0 + k, s1 + k, s2 + k, s3 + k, t, width);
                    t += 4 * width;
                }
                for (; k < end; k++)
                {
                    t[0] = s0[k];
                    t[1] = s1[k];
                    t[2] = s2[k];
                    t[3] = s3[k];
                    t += width;
                }
            }
            for (var i = squares; i < lanes; i++)
            {
                for (var k = block; k < end; k++) target[(nint)k * width + i] = source[i * lane + k];
            }
        }
    }

    /// <summary>A square of 16: four rows at a time as far as that goes, then the four fours together.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeLines(float* source, nint lane, float* target, int width)
    {
        TransposeFour(source, lane, out var a0, out var a1, out var a2, out var a3);
        TransposeFour(source + 4 * lane, lane, out var b0, out var b1, out var b2, out var b3);
        TransposeFour(source + 8 * lane, lane, out var c0, out var c1, out var c2, out var c3);
        TransposeFour(source + 12 * lane, lane, out var d0, out var d1, out var d2, out var d3);
        StoreFour(a0, b0, c0, d0, target, width);
        StoreFour(a1, b1, c1, d1, target + width, width);
        StoreFour(a2, b2, c2, d2, target + 2 * width, width);
        StoreFour(a3, b3, c3, d3, target + 3 * width, width);
    }

    /// <summary>Of four rows the columns k, k + 4, k + 8, k + 12 in the k-th vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeFour(
        float* source, nint lane, out Vector512<float> column0, out Vector512<float> column1, out Vector512<float> column2, out Vector512<float> column3)
    {
        Vector512<float> r0 = Vector512.Load(source), r1 = Vector512.Load(source + lane);
        Vector512<float> r2 = Vector512.Load(source + 2 * lane), r3 = Vector512.Load(source + 3 * lane);
        Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
        Vector512<double> high01 = Avx512F.UnpackHigh(r0, r1).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        column0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        column1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        column2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        column3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    /// <summary>The columns k, k + 4, k + 8, k + 12 of four times four rows, to as many rows of the target.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* target, int width)
    {
        const byte Even = 0b10_00_10_00, Odd = 0b11_01_11_01;
        Vector512<float> even0 = Avx512F.Shuffle4x128(a, b, Even), even1 = Avx512F.Shuffle4x128(c, d, Even);
        Vector512<float> odd0 = Avx512F.Shuffle4x128(a, b, Odd), odd1 = Avx512F.Shuffle4x128(c, d, Odd);
        Avx512F.Shuffle4x128(even0, even1, Even).Store(target);
        Avx512F.Shuffle4x128(odd0, odd1, Even).Store(target + 4 * width);
        Avx512F.Shuffle4x128(even0, even1, Odd).Store(target + 8 * width);
        Avx512F.Shuffle4x128(odd0, odd1, Odd).Store(target + 12 * width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(float* s0, float* s1, float* s2, float* s3, float* target, int width)
    {
        Vector128<float> r0 = Vector128.Load(s0), r1 = Vector128.Load(s1), r2 = Vector128.Load(s2), r3 = Vector128.Load(s3);
        Vector128<float> low01 = Sse.UnpackLow(r0, r1), low23 = Sse.UnpackLow(r2, r3);
        Vector128<float> high01 = Sse.UnpackHigh(r0, r1), high23 = Sse.UnpackHigh(r2, r3);
        Sse.MoveLowToHigh(low01, low23).Store(target);
        Sse.MoveHighToLow(low23, low01).Store(target + width);
        Sse.MoveLowToHigh(high01, high23).Store(target + 2 * width);
        Sse.MoveHighToLow(high23, high01).Store(target + 3 * width);
    }
}
