using System.Runtime.CompilerServices;

namespace RsrNet.Core.Numerics;

/// <summary>What all tiles of one product have in common. Strides are in floats.</summary>
internal struct TileForm
{
    /// <summary>Length of the sums.</summary>
    public nint K;

    /// <summary>From one row of the left side to the next.</summary>
    public nint LeftRow;

    /// <summary>From one k of the left side to the next.</summary>
    public nint LeftStep;

    /// <summary>From one k of a right panel to the next: the panel's width where it is packed.</summary>
    public nint RightStep;

    /// <summary>From one right panel to the next.</summary>
    public nint RightPanel;

    /// <summary>From one row of the result to the next.</summary>
    public nint Row;

    /// <summary>From one row of the start values to the next; 0 for a bias that all rows share.</summary>
    public nint StartRow;

    /// <summary>Factor of the sums.</summary>
    public float Alpha;

    /// <summary>Factor of the start values.</summary>
    public float Beta;

    /// <summary>Results below this become it: 0 for a rectifier, negative infinity for none.</summary>
    public float Floor;
}

/// <summary>
/// The innermost loops of a matrix product: a few rows of the left side times one panel (two vectors wide) of the right side, all sums in registers.
/// result = max(floor, alpha * left * right + beta * start). Every element is summed over ascending k in one accumulator whatever the tile, so a
/// row's result does not depend on the rows around it.
/// </summary>
/// <remarks>
/// The accumulators are locals with names: the JIT keeps 24 of them in registers. In an array, a struct or beside a stackalloc it would
/// store and load each one in every step (measured: 24% of the machine's peak instead of 97%).
/// </remarks>
internal static unsafe class MatrixTile<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Columns of a panel.</summary>
    public static int PanelWidth => 2 * TSimd.Count;

    /// <summary>Rows of the tallest tile.</summary>
    public static int TileRows => TSimd.ManyRegisters ? 12 : 6;

    /// <summary>Rows times one panel.</summary>
    /// <param name="rows">Any number, done in tiles of 12, 8, 6, 4, 2 and 1.</param>
    /// <param name="left">First row.</param>
    /// <param name="right">The panel.</param>
    /// <param name="result">First row of the result, at the panel's first column.</param>
    /// <param name="start">Start values at the same place, or null for zeros.</param>
    public static void Panel(in TileForm form, int rows, float* left, float* right, float* result, float* start)
    {
        while (rows > 0)
        {
            var done = TileOf(rows);
            switch (done)
            {
                case 12: Rows12(form, left, right, result, start); break;
                case 8: Rows8(form, left, right, result, start); break;
                case 6: Rows6(form, left, right, result, start); break;
                case 4: Rows4(form, left, right, result, start); break;
                case 2: Rows2(form, left, right, result, start); break;
                default: Row1(form, left, right, result, start); break;
            }
            rows -= done;
            left += done * form.LeftRow;
            result += done * form.Row;
            if (start != null) start += done * form.StartRow;
        }
    }

    /// <summary>
    /// One or two rows times many panels, four or two at a time: alone, so few rows have too few independent sums to keep the machine busy.
    /// </summary>
    public static void Flat(in TileForm form, int rows, int panels, float* left, float* right, float* result, float* start)
    {
        while (panels > 0)
        {
            var done = panels >= 4 ? 4 : panels >= 2 ? 2 : 1;
            switch (rows, done)
            {
                case (2, 4): Rows2Panels4(form, left, right, result, start); break;
                case (2, 2): Rows2Panels2(form, left, right, result, start); break;
                case (2, _): Rows2(form, left, right, result, start); break;
                case (_, 4): Row1Panels4(form, left, right, result, start); break;
                case (_, 2): Row1Panels2(form, left, right, result, start); break;
                default: Row1(form, left, right, result, start); break;
            }
            panels -= done;
            right += done * form.RightPanel;
            result += done * PanelWidth;
            if (start != null) start += done * PanelWidth;
        }
    }

    private static int TileOf(int rows)
    {
        if (TSimd.ManyRegisters && rows >= 8) return rows >= 12 ? 12 : 8;
        return rows >= 6 ? 6 : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows12(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        TVector c40 = default, c41 = default;
        TVector c50 = default, c51 = default;
        TVector c60 = default, c61 = default;
        TVector c70 = default, c71 = default;
        TVector c80 = default, c81 = default;
        TVector c90 = default, c91 = default;
        TVector c100 = default, c101 = default;
        TVector c110 = default, c111 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep;
        var row2 = 2 * row;
        float* left0 = left, left3 = left + 3 * row, left6 = left + 6 * row, left9 = left + 9 * row;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right), b1 = TSimd.Load(right + TSimd.Count);
            Step(left0, b0, b1, ref c00, ref c01);
            Step(left0 + row, b0, b1, ref c10, ref c11);
            Step(left0 + row2, b0, b1, ref c20, ref c21);
            Step(left3, b0, b1, ref c30, ref c31);
            Step(left3 + row, b0, b1, ref c40, ref c41);
            Step(left3 + row2, b0, b1, ref c50, ref c51);
            Step(left6, b0, b1, ref c60, ref c61);
            Step(left6 + row, b0, b1, ref c70, ref c71);
            Step(left6 + row2, b0, b1, ref c80, ref c81);
            Step(left9, b0, b1, ref c90, ref c91);
            Step(left9 + row, b0, b1, ref c100, ref c101);
            Step(left9 + row2, b0, b1, ref c110, ref c111);
            left0 += step;
            left3 += step;
            left6 += step;
            left9 += step;
            right += rightStep;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        nint next = form.Row, nextStart = start == null ? 0 : form.StartRow;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + next, start + nextStart, alpha, beta, floor, c10, c11);
        Finish(result + 2 * next, start + 2 * nextStart, alpha, beta, floor, c20, c21);
        Finish(result + 3 * next, start + 3 * nextStart, alpha, beta, floor, c30, c31);
        Finish(result + 4 * next, start + 4 * nextStart, alpha, beta, floor, c40, c41);
        Finish(result + 5 * next, start + 5 * nextStart, alpha, beta, floor, c50, c51);
        Finish(result + 6 * next, start + 6 * nextStart, alpha, beta, floor, c60, c61);
        Finish(result + 7 * next, start + 7 * nextStart, alpha, beta, floor, c70, c71);
        Finish(result + 8 * next, start + 8 * nextStart, alpha, beta, floor, c80, c81);
        Finish(result + 9 * next, start + 9 * nextStart, alpha, beta, floor, c90, c91);
        Finish(result + 10 * next, start + 10 * nextStart, alpha, beta, floor, c100, c101);
        Finish(result + 11 * next, start + 11 * nextStart, alpha, beta, floor, c110, c111);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows8(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        TVector c40 = default, c41 = default;
        TVector c50 = default, c51 = default;
        TVector c60 = default, c61 = default;
        TVector c70 = default, c71 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep;
        var row2 = 2 * row;
        float* left0 = left, left3 = left + 3 * row, left6 = left + 6 * row;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right), b1 = TSimd.Load(right + TSimd.Count);
            Step(left0, b0, b1, ref c00, ref c01);
            Step(left0 + row, b0, b1, ref c10, ref c11);
            Step(left0 + row2, b0, b1, ref c20, ref c21);
            Step(left3, b0, b1, ref c30, ref c31);
            Step(left3 + row, b0, b1, ref c40, ref c41);
            Step(left3 + row2, b0, b1, ref c50, ref c51);
            Step(left6, b0, b1, ref c60, ref c61);
            Step(left6 + row, b0, b1, ref c70, ref c71);
            left0 += step;
            left3 += step;
            left6 += step;
            right += rightStep;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        nint next = form.Row, nextStart = start == null ? 0 : form.StartRow;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + next, start + nextStart, alpha, beta, floor, c10, c11);
        Finish(result + 2 * next, start + 2 * nextStart, alpha, beta, floor, c20, c21);
        Finish(result + 3 * next, start + 3 * nextStart, alpha, beta, floor, c30, c31);
        Finish(result + 4 * next, start + 4 * nextStart, alpha, beta, floor, c40, c41);
        Finish(result + 5 * next, start + 5 * nextStart, alpha, beta, floor, c50, c51);
        Finish(result + 6 * next, start + 6 * nextStart, alpha, beta, floor, c60, c61);
        Finish(result + 7 * next, start + 7 * nextStart, alpha, beta, floor, c70, c71);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows6(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        TVector c40 = default, c41 = default;
        TVector c50 = default, c51 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep;
        var row2 = 2 * row;
        float* left0 = left, left3 = left + 3 * row;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right), b1 = TSimd.Load(right + TSimd.Count);
            Step(left0, b0, b1, ref c00, ref c01);
            Step(left0 + row, b0, b1, ref c10, ref c11);
            Step(left0 + row2, b0, b1, ref c20, ref c21);
            Step(left3, b0, b1, ref c30, ref c31);
            Step(left3 + row, b0, b1, ref c40, ref c41);
            Step(left3 + row2, b0, b1, ref c50, ref c51);
            left0 += step;
            left3 += step;
            right += rightStep;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        nint next = form.Row, nextStart = start == null ? 0 : form.StartRow;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + next, start + nextStart, alpha, beta, floor, c10, c11);
        Finish(result + 2 * next, start + 2 * nextStart, alpha, beta, floor, c20, c21);
        Finish(result + 3 * next, start + 3 * nextStart, alpha, beta, floor, c30, c31);
        Finish(result + 4 * next, start + 4 * nextStart, alpha, beta, floor, c40, c41);
        Finish(result + 5 * next, start + 5 * nextStart, alpha, beta, floor, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep;
        var row2 = 2 * row;
        float* left0 = left, left3 = left + 3 * row;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right), b1 = TSimd.Load(right + TSimd.Count);
            Step(left0, b0, b1, ref c00, ref c01);
            Step(left0 + row, b0, b1, ref c10, ref c11);
            Step(left0 + row2, b0, b1, ref c20, ref c21);
            Step(left3, b0, b1, ref c30, ref c31);
            left0 += step;
            left3 += step;
            right += rightStep;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        nint next = form.Row, nextStart = start == null ? 0 : form.StartRow;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + next, start + nextStart, alpha, beta, floor, c10, c11);
        Finish(result + 2 * next, start + 2 * nextStart, alpha, beta, floor, c20, c21);
        Finish(result + 3 * next, start + 3 * nextStart, alpha, beta, floor, c30, c31);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows2(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep;
        float* left0 = left;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right), b1 = TSimd.Load(right + TSimd.Count);
            Step(left0, b0, b1, ref c00, ref c01);
            Step(left0 + row, b0, b1, ref c10, ref c11);
            left0 += step;
            right += rightStep;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        nint next = form.Row, nextStart = start == null ? 0 : form.StartRow;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + next, start + nextStart, alpha, beta, floor, c10, c11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep;
        float* left0 = left;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right), b1 = TSimd.Load(right + TSimd.Count);
            Step(left0, b0, b1, ref c00, ref c01);
            left0 += step;
            right += rightStep;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        Finish(result, start, alpha, beta, floor, c00, c01);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows2Panels4(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c02 = default, c03 = default;
        TVector c04 = default, c05 = default;
        TVector c06 = default, c07 = default;
        TVector c10 = default, c11 = default;
        TVector c12 = default, c13 = default;
        TVector c14 = default, c15 = default;
        TVector c16 = default, c17 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep, panel = form.RightPanel;
        float* right0 = right, right1 = right0 + panel, right2 = right1 + panel, right3 = right2 + panel;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right0), b1 = TSimd.Load(right0 + TSimd.Count);
            Step(left, b0, b1, ref c00, ref c01);
            Step(left + row, b0, b1, ref c10, ref c11);
            right0 += rightStep;
            TVector b2 = TSimd.Load(right1), b3 = TSimd.Load(right1 + TSimd.Count);
            Step(left, b2, b3, ref c02, ref c03);
            Step(left + row, b2, b3, ref c12, ref c13);
            right1 += rightStep;
            TVector b4 = TSimd.Load(right2), b5 = TSimd.Load(right2 + TSimd.Count);
            Step(left, b4, b5, ref c04, ref c05);
            Step(left + row, b4, b5, ref c14, ref c15);
            right2 += rightStep;
            TVector b6 = TSimd.Load(right3), b7 = TSimd.Load(right3 + TSimd.Count);
            Step(left, b6, b7, ref c06, ref c07);
            Step(left + row, b6, b7, ref c16, ref c17);
            right3 += rightStep;
            left += step;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        int width = PanelWidth, startWidth = start == null ? 0 : PanelWidth;
        nint next = form.Row, nextStart = start == null ? 0 : form.StartRow;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + width, start + startWidth, alpha, beta, floor, c02, c03);
        Finish(result + 2 * width, start + 2 * startWidth, alpha, beta, floor, c04, c05);
        Finish(result + 3 * width, start + 3 * startWidth, alpha, beta, floor, c06, c07);
        Finish(result + next, start + nextStart, alpha, beta, floor, c10, c11);
        Finish(result + next + width, start + nextStart + startWidth, alpha, beta, floor, c12, c13);
        Finish(result + next + 2 * width, start + nextStart + 2 * startWidth, alpha, beta, floor, c14, c15);
        Finish(result + next + 3 * width, start + nextStart + 3 * startWidth, alpha, beta, floor, c16, c17);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows2Panels2(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c02 = default, c03 = default;
        TVector c10 = default, c11 = default;
        TVector c12 = default, c13 = default;
        nint row = form.LeftRow, step = form.LeftStep, rightStep = form.RightStep, panel = form.RightPanel;
        float* right0 = right, right1 = right0 + panel;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right0), b1 = TSimd.Load(right0 + TSimd.Count);
            Step(left, b0, b1, ref c00, ref c01);
            Step(left + row, b0, b1, ref c10, ref c11);
            right0 += rightStep;
            TVector b2 = TSimd.Load(right1), b3 = TSimd.Load(right1 + TSimd.Count);
            Step(left, b2, b3, ref c02, ref c03);
            Step(left + row, b2, b3, ref c12, ref c13);
            right1 += rightStep;
            left += step;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        int width = PanelWidth, startWidth = start == null ? 0 : PanelWidth;
        nint next = form.Row, nextStart = start == null ? 0 : form.StartRow;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + width, start + startWidth, alpha, beta, floor, c02, c03);
        Finish(result + next, start + nextStart, alpha, beta, floor, c10, c11);
        Finish(result + next + width, start + nextStart + startWidth, alpha, beta, floor, c12, c13);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1Panels4(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c02 = default, c03 = default;
        TVector c04 = default, c05 = default;
        TVector c06 = default, c07 = default;
        nint step = form.LeftStep, rightStep = form.RightStep, panel = form.RightPanel;
        float* right0 = right, right1 = right0 + panel, right2 = right1 + panel, right3 = right2 + panel;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right0), b1 = TSimd.Load(right0 + TSimd.Count);
            Step(left, b0, b1, ref c00, ref c01);
            right0 += rightStep;
            TVector b2 = TSimd.Load(right1), b3 = TSimd.Load(right1 + TSimd.Count);
            Step(left, b2, b3, ref c02, ref c03);
            right1 += rightStep;
            TVector b4 = TSimd.Load(right2), b5 = TSimd.Load(right2 + TSimd.Count);
            Step(left, b4, b5, ref c04, ref c05);
            right2 += rightStep;
            TVector b6 = TSimd.Load(right3), b7 = TSimd.Load(right3 + TSimd.Count);
            Step(left, b6, b7, ref c06, ref c07);
            right3 += rightStep;
            left += step;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        int width = PanelWidth, startWidth = start == null ? 0 : PanelWidth;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + width, start + startWidth, alpha, beta, floor, c02, c03);
        Finish(result + 2 * width, start + 2 * startWidth, alpha, beta, floor, c04, c05);
        Finish(result + 3 * width, start + 3 * startWidth, alpha, beta, floor, c06, c07);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1Panels2(in TileForm form, float* left, float* right, float* result, float* start)
    {
        TVector c00 = default, c01 = default;
        TVector c02 = default, c03 = default;
        nint step = form.LeftStep, rightStep = form.RightStep, panel = form.RightPanel;
        float* right0 = right, right1 = right0 + panel;
        for (var k = form.K; k > 0; k--)
        {
            TVector b0 = TSimd.Load(right0), b1 = TSimd.Load(right0 + TSimd.Count);
            Step(left, b0, b1, ref c00, ref c01);
            right0 += rightStep;
            TVector b2 = TSimd.Load(right1), b3 = TSimd.Load(right1 + TSimd.Count);
            Step(left, b2, b3, ref c02, ref c03);
            right1 += rightStep;
            left += step;
        }
        TVector alpha = TSimd.Create(form.Alpha), beta = TSimd.Create(form.Beta), floor = TSimd.Create(form.Floor);
        int width = PanelWidth, startWidth = start == null ? 0 : PanelWidth;
        Finish(result, start, alpha, beta, floor, c00, c01);
        Finish(result + width, start + startWidth, alpha, beta, floor, c02, c03);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(float* left, TVector b0, TVector b1, ref TVector c0, ref TVector c1)
    {
        var a = TSimd.Create(*left);
        c0 = TSimd.MultiplyAdd(a, b0, c0);
        c1 = TSimd.MultiplyAdd(a, b1, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        float* result, float* start, TVector alpha, TVector beta, TVector floor, TVector c0, TVector c1)
    {
        c0 = TSimd.Multiply(alpha, c0);
        c1 = TSimd.Multiply(alpha, c1);
        if (start != null)
        {
            c0 = TSimd.MultiplyAdd(beta, TSimd.Load(start), c0);
            c1 = TSimd.MultiplyAdd(beta, TSimd.Load(start + TSimd.Count), c1);
        }
        TSimd.Store(result, TSimd.Max(floor, c0));
        TSimd.Store(result + TSimd.Count, TSimd.Max(floor, c1));
    }
}
