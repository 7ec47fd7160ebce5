namespace RsrNet.Core.Telemetry;

/// <summary>Mean over the last so many values. Not thread-safe.</summary>
/// <param name="window">At least 1.</param>
public sealed class SlidingMean(int window)
{
    private readonly double[] values = new double[window];
    private int count;
    private int next;

    /// <summary>Null before the first value.</summary>
    public double? Value
    {
        get
        {
            if (count == 0) return null;
            // Summed anew at each read: a running sum would keep the rounding error of every value that ever left the window.
            var sum = 0.0;
            for (var i = 0; i < count; i++) sum += values[i];
            return sum / count;
        }
    }

    public void Add(double value)
    {
        values[next] = value;
        next = (next + 1) % values.Length;
        count = Math.Min(count + 1, values.Length);
    }
}
