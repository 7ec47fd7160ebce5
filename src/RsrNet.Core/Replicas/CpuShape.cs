namespace RsrNet.Core.Replicas;

/// <summary>
/// The network's sizes filled up to whole vectors, so that inner loops have no rest. What is filled up holds zeros and stays zero: zero weights
/// lead into it, and zero weights lead out.
/// </summary>
/// <param name="Shape">The sizes themselves.</param>
/// <param name="Unit">The padded sizes are multiples of it.</param>
internal readonly record struct CpuShape(RecursionShape Shape, int Unit)
{
    public int D { get; } = Pad(Shape.D, Unit);

    public int H { get; } = Pad(Shape.H, Unit);

    public int L { get; } = Pad(Shape.L, Unit);

    private static int Pad(int length, int unit) => (length + unit - 1) / unit * unit;
}
