using RsrNet.Core.Weights;

namespace RsrNet.Server.Weights;

/// <param name="Bytes">Size on disk; 0 while the version is only in memory.</param>
/// <param name="Loss">Training loss of the update that made it; left out before the first.</param>
/// <param name="EncoderId">The encoder whose vectors the weights were trained on; left out where it is not known.</param>
public sealed record WeightItem(
    long Version, DateTimeOffset CreatedAt, string Mode, long Bytes, bool Current, float? Loss = null, string? EncoderId = null)
{
    public static WeightItem Of(WeightSummary summary) =>
        new(summary.Version, summary.CreatedAt, summary.Mode, summary.Bytes, summary.Current, summary.Loss, summary.EncoderId);
}

/// <param name="Items">Newest first.</param>
public sealed record WeightList(IReadOnlyList<WeightItem> Items);

/// <param name="Version">The number of the new version, which is now the current one.</param>
public sealed record WeightReceipt(long Version);
