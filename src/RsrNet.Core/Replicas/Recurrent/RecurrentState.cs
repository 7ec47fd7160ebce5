namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>What a recurrent network carries from one piece of its sequences to the next: h of each layer, and c of an LSTM. Zero at first.</summary>
/// <param name="batch">B, sequences.</param>
public sealed class RecurrentState(RecurrentShape shape, int batch)
{
    public int Batch { get; } = batch;

    /// <summary>[layers][B, H]</summary>
    public float[] Hidden { get; } = new float[shape.Layers * batch * shape.Hidden];

    /// <summary>[layers][B, H]; empty but for an LSTM.</summary>
    public float[] Cell { get; } = shape.Cell == RecurrentCell.Lstm ? new float[shape.Layers * batch * shape.Hidden] : [];

    public void Clear()
    {
        Hidden.AsSpan().Clear();
        Cell.AsSpan().Clear();
    }

    internal Span<float> HiddenOf(int layer) => Hidden.AsSpan(layer * Batch * shape.Hidden, Batch * shape.Hidden);

    internal Span<float> CellOf(int layer) => Cell.AsSpan(layer * Batch * shape.Hidden, Batch * shape.Hidden);
}
