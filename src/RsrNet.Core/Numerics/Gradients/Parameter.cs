namespace RsrNet.Core.Numerics.Gradients;

/// <param name="Name">PyTorch's, such as <c>rnn.weight_ih_l0</c>.</param>
/// <param name="Rows">First dimension.</param>
/// <param name="Columns">Second dimension; 0 for a vector.</param>
/// <param name="IsTable">Whether it is read row by row, by number: an embedding. Its gradient is then known to be zero but for some rows.</param>
public readonly record struct ParameterShape(string Name, int Rows, int Columns = 0, bool IsTable = false);

/// <summary>One tensor that learns: a part of a <see cref="ParameterSet"/>'s flat buffers.</summary>
public sealed unsafe class Parameter
{
    private readonly ParameterSet _set;
    private readonly int[] _touched;
    private readonly bool[] _isTouched;
    private PackedMatrix? _asRight, _asTransposedRight;
    private long _rightVersion = -1, _transposedVersion = -1;
    private int _touchedCount;

    internal Parameter(ParameterSet set, ParameterShape shape, int offset)
    {
        _set = set;
        (Name, Rows, Columns, IsTable) = shape;
        Offset = offset;
        _touched = IsTable ? new int[Rows] : [];
        _isTouched = IsTable ? new bool[Rows] : [];
    }

    public string Name { get; }

    public int Rows { get; }

    /// <summary>0 for a vector.</summary>
    public int Columns { get; }

    public bool IsTable { get; }

    /// <summary>Index of the first element in the set's buffers.</summary>
    public int Offset { get; }

    public int Length => Rows * Math.Max(Columns, 1);

    public Span<float> Values => _set.Values.AsSpan(Offset, Length);

    public Span<float> Gradient => _set.Gradient.AsSpan(Offset, Length);

    /// <summary>Of a table: the rows whose gradient is not zero, in order of their first use.</summary>
    public ReadOnlySpan<int> TouchedRows => _touched.AsSpan(0, _touchedCount);

    internal float* Pointer => _set.Pointer + Offset;

    internal float* Slope => _set.Slope + Offset;

    internal float* TouchRow(int row)
    {
        if (!_isTouched[row])
        {
            _isTouched[row] = true;
            _touched[_touchedCount++] = row;
        }
        return Slope + (nint)row * Columns;
    }

    /// <summary>Of a table: a row of the gradient, to be added to.</summary>
    internal Span<float> GradientRow(int row) => new(TouchRow(row), Columns);

    internal void ClearGradient()
    {
        if (!IsTable)
        {
            Gradient.Clear();
            return;
        }
        foreach (var row in TouchedRows)
        {
            Gradient.Slice(row * Columns, Columns).Clear();
            _isTouched[row] = false;
        }
        _touchedCount = 0;
    }

    /// <summary>This as the right side of products, packed once for each version of the values.</summary>
    internal PackedMatrix AsRight(MatrixProduct product)
    {
        if (_rightVersion == _set.Version && _asRight?.Width == product.Width) return _asRight;
        if (_asRight?.Width != product.Width) _asRight = null;
        _rightVersion = _set.Version;
        return _asRight = product.Pack(new MatrixOperand(Values, Rows, Columns), _asRight);
    }

    /// <summary>Its transpose, likewise: a layer's weights on the way forward.</summary>
    internal PackedMatrix AsTransposedRight(MatrixProduct product)
    {
        if (_transposedVersion == _set.Version && _asTransposedRight?.Width == product.Width) return _asTransposedRight;
        if (_asTransposedRight?.Width != product.Width) _asTransposedRight = null;
        _transposedVersion = _set.Version;
        return _asTransposedRight = product.Pack(new MatrixOperand(Values, Rows, Columns).Transpose(), _asTransposedRight);
    }
}
