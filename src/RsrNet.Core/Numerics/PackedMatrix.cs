namespace RsrNet.Core.Numerics;

/// <summary>
/// The right side of matrix products in the order the kernels read it: packed once, used in many products, such as a layer's weights of one
/// version. Made by <see cref="MatrixProduct.Pack"/>.
/// </summary>
public sealed unsafe class PackedMatrix : IDisposable
{
    private readonly AlignedBuffer _panels = new();

    internal PackedMatrix(VectorWidth width) => Width = width;

    /// <summary>Length of the sums: the rows of the right side.</summary>
    public int Rows { get; private set; }

    /// <summary>Columns of the result.</summary>
    public int Columns { get; private set; }

    /// <summary>The vector width it was packed for; a product of another width cannot read it.</summary>
    public VectorWidth Width { get; }

    internal float* Panels => _panels.Pointer;

    public void Dispose() => _panels.Dispose();

    internal void Reserve(int rows, int columns)
    {
        var panel = 2 * (int)Width;
        _panels.Reserve((long)rows * ((columns + panel - 1) / panel * panel));
        Rows = rows;
        Columns = columns;
    }
}
