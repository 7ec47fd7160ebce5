namespace RsrNet.Core.Numerics;

/// <summary>
/// Page-Hinkley test (Page 1954) for a mean that falls or rises: values are taken as deviations from the mean so far, in standard deviations so far; the
/// cumulated deviation less an allowance is compared with its extreme. Fast for a jump, where <see cref="Adwin"/> is patient.
/// </summary>
public sealed class PageHinkley : IDriftDetector
{
    private readonly double allowance;
    private readonly double threshold;
    private readonly int warmUp;
    private long count;
    private double mean;
    private double spread;
    private Excursion fall;
    private Excursion rise;

    /// <param name="allowance">Deviations smaller than this are taken for none. Standard deviations; above 0.</param>
    /// <param name="threshold">Cumulated deviation that is a change. Standard deviations; above 0. Each unit makes a false alarm rarer by about exp(2 * allowance).</param>
    /// <param name="warmUp">Values from which mean and deviation are learned before anything is found; at least 2.</param>
    public PageHinkley(double allowance = 0.25, double threshold = 25, int warmUp = 50)
    {
        if (!(allowance > 0)) throw new ArgumentOutOfRangeException(nameof(allowance), allowance, "must be above 0");
        if (!(threshold > 0)) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "must be above 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(warmUp, 2);
        this.allowance = allowance;
        this.threshold = threshold;
        this.warmUp = warmUp;
    }

    /// <inheritdoc/>
    public (double Before, double After) LastChange { get; private set; }

    /// <inheritdoc/>
    public bool Add(double value)
    {
        if (count >= warmUp)
        {
            var deviation = (value - mean) / Math.Sqrt(Math.Max(spread / (count - 1), 1e-12));
            fall = fall.Next(-deviation - allowance, value);
            rise = rise.Next(deviation - allowance, value);
            var further = fall.Height > rise.Height ? fall : rise;
            if (further.Height > threshold)
            {
                LastChange = (mean, further.Sum / further.Count);
                (count, mean, spread, fall, rise) = (0, 0, 0, default, default);
                return true;
            }
        }
        // Welford's update of mean and squared deviations.
        count++;
        var difference = value - mean;
        mean += difference / count;
        spread += difference * (value - mean);
        return false;
    }

    /// <summary>The cumulated deviation since it last was 0, and the values of that time.</summary>
    private readonly record struct Excursion(double Height, long Count, double Sum)
    {
        public Excursion Next(double step, double value) => Height + step > 0 ? new(Height + step, Count + 1, Sum + value) : default;
    }
}
