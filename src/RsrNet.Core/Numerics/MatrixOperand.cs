namespace RsrNet.Core.Numerics;

/// <summary>One side of a matrix product: a row-major matrix, as it lies or read transposed.</summary>
public readonly ref struct MatrixOperand
{
    /// <param name="values">Row after row.</param>
    /// <param name="stride">Floats from one row to the next; 0 for rows without a gap.</param>
    /// <exception cref="ArgumentException">The values end before the last row does.</exception>
    public MatrixOperand(ReadOnlySpan<float> values, int rows, int columns, int stride = 0)
        : this(values, rows, columns, stride == 0 ? columns : stride, false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (Stride < columns) throw new ArgumentException($"a stride of {Stride} is less than a row of {columns}", nameof(stride));
        var needed = rows == 0 || columns == 0 ? 0 : (long)(rows - 1) * Stride + columns;
        if (values.Length < needed)
        {
            throw new ArgumentException($"{values.Length} values do not hold {rows} rows of {columns} at a stride of {Stride}", nameof(values));
        }
    }

    private MatrixOperand(ReadOnlySpan<float> values, int rows, int columns, int stride, bool transposed)
    {
        Values = values;
        Rows = rows;
        Columns = columns;
        Stride = stride;
        IsTransposed = transposed;
    }

    public ReadOnlySpan<float> Values { get; }

    /// <summary>Rows as the product sees them.</summary>
    public int Rows { get; }

    /// <summary>Columns as the product sees them.</summary>
    public int Columns { get; }

    /// <summary>Floats from one stored row to the next.</summary>
    public int Stride { get; }

    public bool IsTransposed { get; }

    internal nint RowStep => IsTransposed ? 1 : Stride;

    internal nint ColumnStep => IsTransposed ? Stride : 1;

    /// <summary>The same values with rows and columns changed over; nothing is copied.</summary>
    public MatrixOperand Transpose() => new(Values, Columns, Rows, Stride, !IsTransposed);
}
