namespace RsrNet.Core.Weights;

/// <summary>How far numbers are from those they should be.</summary>
public static class Deviation
{
    /// <param name="forgiven">Taken off each difference, down to zero.</param>
    /// <returns>||actual - expected|| / ||expected|| in 2-norms; the numerator alone where all expected are zero; infinite where a number
    /// is not finite.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double Of(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double forgiven = 0)
    {
        if (actual.Length != expected.Length)
            throw new ArgumentException($"{actual.Length} numbers cannot be compared with {expected.Length}", nameof(actual));
        double difference = 0, norm = 0;
        for (var i = 0; i < actual.Length; i++)
        {
            var distance = Math.Max(Math.Abs((double)actual[i] - expected[i]) - forgiven, 0);
            difference += distance * distance;
            norm += (double)expected[i] * expected[i];
        }
        var deviation = Math.Sqrt(norm > 0 ? difference / norm : difference);
        return double.IsFinite(deviation) ? deviation : double.PositiveInfinity;
    }
}
