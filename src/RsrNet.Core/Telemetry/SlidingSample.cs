namespace RsrNet.Core.Telemetry;

/// <summary>The last so many values, for percentiles and histograms. Not thread-safe.</summary>
/// <param name="window">At least 1.</param>
internal sealed class SlidingSample(int window)
{
    private readonly float[] values = new float[window];
    private int count;
    private int next;

    public void Add(float value)
    {
        values[next] = value;
        next = (next + 1) % values.Length;
        count = Math.Min(count + 1, values.Length);
    }

    /// <summary>Percentiles by nearest rank.</summary>
    /// <param name="shares">Each in [0, 1].</param>
    /// <returns>One value for each share; empty before the first value.</returns>
    public double[] Percentiles(params ReadOnlySpan<double> shares)
    {
        if (count == 0) return [];
        var sorted = values.AsSpan(0, count).ToArray();
        Array.Sort(sorted);
        var result = new double[shares.Length];
        for (var i = 0; i < shares.Length; i++) result[i] = sorted[Math.Clamp((int)Math.Ceiling(shares[i] * count) - 1, 0, count - 1)];
        return result;
    }

    /// <summary>How many of the values lie in which of equal parts of [0, 1]; what lies outside counts to the first or the last.</summary>
    public int[] Histogram(int bins)
    {
        var histogram = new int[bins];
        for (var i = 0; i < count; i++) histogram[Math.Clamp((int)(values[i] * bins), 0, bins - 1)]++;
        return histogram;
    }
}
