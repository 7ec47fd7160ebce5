namespace RsrNet.Core.Numerics;

/// <summary>
/// The right side of many products, packed, for code that works on rows in its own memory: a layer's weights. Sizes are whole panels, filled up
/// with zeros, so several matrices can stand side by side or one below the other.
/// </summary>
internal sealed unsafe class MatrixRight<TSimd, TVector> : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private readonly AlignedBuffer _panels;

    /// <param name="k">Length of the sums.</param>
    /// <param name="columns">Columns in use; the rest of the last panel is zero.</param>
    public MatrixRight(int k, int columns)
    {
        K = k;
        Columns = columns;
        _panels = new AlignedBuffer(MatrixPanels<TSimd, TVector>.RightLength(k, columns));
    }

    private static int Width => MatrixTile<TSimd, TVector>.PanelWidth;

    public int K { get; }

    public int Columns { get; }

    /// <summary>Puts a matrix at (fromK, fromColumn).</summary>
    /// <param name="source">Its first element.</param>
    /// <param name="step">From one k to the next.</param>
    /// <param name="lane">From one column to the next; this or the step is 1.</param>
    /// <param name="fromColumn">A multiple of the panel's width.</param>
    public void Place(float* source, nint step, nint lane, int k, int columns, int fromK = 0, int fromColumn = 0)
    {
        var panel = (nint)K * Width;
        MatrixPanels<TSimd, TVector>.PackRight(
            source, step, lane, k, columns, _panels.Pointer + fromColumn / Width * panel + (nint)fromK * Width, panel);
    }

    /// <summary>result = max(floor, left * this + start), row by row.</summary>
    /// <param name="left">[rows, k].</param>
    /// <param name="leftRow">From one row to the next.</param>
    /// <param name="result">[rows, columns].</param>
    /// <param name="start">[rows, columns], or [columns] with a stride of 0, or null for zeros.</param>
    /// <param name="floor">0 for a rectifier.</param>
    /// <param name="k">Sums over so many k only; 0 for all.</param>
    /// <param name="fromK">The first of them.</param>
    /// <param name="columns">So many columns only; 0 for all.</param>
    /// <param name="fromColumn">The first of them; a multiple of the panel's width.</param>
    public void Multiply(
        int rows, float* left, nint leftRow, float* result, nint resultRow, float* start, nint startRow, float floor = float.NegativeInfinity,
        int k = 0, int fromK = 0, int columns = 0, int fromColumn = 0)
    {
        var form = new TileForm
        {
            K = k == 0 ? K : k,
            LeftRow = leftRow,
            LeftStep = 1,
            RightStep = Width,
            RightPanel = (nint)K * Width,
            Row = resultRow,
            StartRow = startRow,
            Alpha = 1,
            Beta = 1,
            Floor = floor,
        };
        var right = _panels.Pointer + fromColumn / Width * form.RightPanel + (nint)fromK * Width;
        MatrixPanels<TSimd, TVector>.Multiply(form, rows, columns == 0 ? Columns : columns, left, right, result, start);
    }

    public void Dispose() => _panels.Dispose();
}
