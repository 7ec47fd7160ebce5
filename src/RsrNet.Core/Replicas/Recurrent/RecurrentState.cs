namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>What a recurrent network carries from one piece of its sequences to the next: h of each layer, and c of an LSTM. Zero at first.</summary>
/// <param name="layers">At least 1.</param>
/// <param name="batch">B, sequences.</param>
/// <param name="size">H.</param>
/// <param name="hasCell">Whether there is a c.</param>
public sealed class RecurrentState(int layers, int batch, int size, bool hasCell)
{
    public RecurrentState(RecurrentShape shape, int batch)
        : this(shape.Layers, batch, shape.Hidden, shape.Cell == RecurrentCell.Lstm)
    {
    }

    public int Layers { get; } = layers;

    public int Batch { get; } = batch;

    /// <summary>H.</summary>
    public int Size { get; } = size;

    /// <summary>[layers][B, H]</summary>
    public float[] Hidden { get; } = new float[layers * batch * size];

    /// <summary>[layers][B, H]; empty but for an LSTM.</summary>
    public float[] Cell { get; } = hasCell ? new float[layers * batch * size] : [];

    public void Clear()
    {
        Hidden.AsSpan().Clear();
        Cell.AsSpan().Clear();
    }

    internal Span<float> HiddenOf(int layer) => Hidden.AsSpan(layer * Batch * Size, Batch * Size);

    internal Span<float> CellOf(int layer) => Cell.AsSpan(layer * Batch * Size, Batch * Size);
}
