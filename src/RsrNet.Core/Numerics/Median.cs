namespace RsrNet.Core.Numerics;

/// <summary>What half of some values are below and half above: of an even number the mean of the two in the middle.</summary>
internal static class Median
{
    /// <returns>0 of none.</returns>
    public static double Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
