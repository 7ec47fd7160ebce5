namespace RsrNet.Core.Numerics.Gradients;

/// <summary>A matrix on a <see cref="Tape"/>: its values and, once the way back has reached it, the slope of the loss. Valid until the tape is cleared.</summary>
public sealed unsafe class TapeMatrix
{
    internal TapeMatrix()
    {
    }

    public int Rows { get; private set; }

    public int Columns { get; private set; }

    /// <summary>[Rows, Columns], row-major.</summary>
    public ReadOnlySpan<float> Values => new(Pointer, checked(Rows * Columns));

    /// <summary>[Rows, Columns]; empty where the loss does not depend on it, or nobody asked.</summary>
    public ReadOnlySpan<float> Slopes => Slope == null ? [] : new(Slope, checked(Rows * Columns));

    internal float* Pointer { get; private set; }

    internal float* Slope { get; private set; }

    /// <summary>An input: nothing learns from its slope, so it has none.</summary>
    internal bool IsConstant { get; private set; }

    internal nint Length => (nint)Rows * Columns;

    internal TapeMatrix Place(float* values, int rows, int columns, bool constant)
    {
        Pointer = values;
        Slope = null;
        (Rows, Columns, IsConstant, IsUsedUp) = (rows, columns, constant, false);
        return this;
    }

    /// <summary>Memory for the slope. The first who adds to it must write (0), the others add (1): nobody has to clear it.</summary>
    internal float* TakeSlope(TapeMemory memory, out float beta)
    {
        beta = Slope == null ? 0 : 1;
        if (Slope == null) Slope = memory.Take(Length);
        return Slope;
    }

    /// <summary>The same, for those who only write some rows.</summary>
    internal float* TakeClearedSlope(TapeMemory memory)
    {
        var slope = TakeSlope(memory, out var beta);
        if (beta == 0) new Span<float>(slope, checked((int)Length)).Clear();
        return slope;
    }

    /// <summary>Whether a layer has written over the values; nobody else may read them then.</summary>
    internal bool IsUsedUp { get; set; }

    /// <summary>A layer that is the only reader puts the slope where the values are, which nobody needs any more then.</summary>
    internal void PutSlopeInPlace() => Slope = Pointer;
}
