namespace RsrNet.Core.Replicas;

/// <summary>A <see cref="RecursionBatch"/> held in place for the time of one step.</summary>
internal readonly unsafe struct CpuBatch
{
    public required int Rows { get; init; }

    public required float* X { get; init; }

    public required float* T { get; init; }

    public required float* Y { get; init; }

    public required float* Z { get; init; }

    public required float* Confidence { get; init; }

    public required float* RowLoss { get; init; }
}
