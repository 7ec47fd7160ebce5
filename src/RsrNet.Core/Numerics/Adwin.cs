namespace RsrNet.Core.Numerics;

/// <summary>
/// ADWIN2 (Bifet and Gavaldà 2007): keeps a window of a stream as long as its mean has not changed. Where any split of the window into an older and a
/// newer part has means that differ by more than chance allows, the older part goes. Memory is logarithmic: buckets of 1, 2, 4, ... values.
/// </summary>
/// <remarks>
/// Bound: sqrt(2/m * var * ln(2/delta')) + 2/(3m) * ln(2/delta') with 1/m = 1/n0 + 1/n1 and delta' = delta / ln(n), theorem 3.2. Every test of a split is a chance
/// to err; the measured rate of false alarms is that of the tests in this project.
/// </remarks>
public sealed class Adwin : IDriftDetector
{
    private const int BucketsOfASize = 5;
    private const int ShortestPart = 10;

    private readonly double delta;
    private readonly int every;
    private readonly List<Bucket> buckets = []; // newest first; sizes ascending
    private double total;
    private double squares;
    private long sinceTest;

    /// <param name="delta">Confidence that a change is none; in (0, 1). Smaller is slower and errs less.</param>
    /// <param name="every">Splits are tested after so many values; at least 1.</param>
    public Adwin(double delta = 0.0005, int every = 8)
    {
        if (!(delta is > 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(delta), delta, "must be above 0 and below 1");
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        this.delta = delta;
        this.every = every;
    }

    /// <summary>Values in the window.</summary>
    public long Width { get; private set; }

    /// <summary>Mean of the window.</summary>
    public double Mean => Width == 0 ? 0 : total / Width;

    /// <summary>Mean of the part that the last change threw away, and of what stayed.</summary>
    public (double Before, double After) LastChange { get; private set; }

    /// <inheritdoc/>
    public bool Add(double value)
    {
        buckets.Insert(0, new Bucket(1, value, value * value));
        Width++;
        total += value;
        squares += value * value;
        Compress();
        if (++sinceTest < every || Width < 2 * ShortestPart) return false;
        sinceTest = 0;
        var changed = false;
        while (Cut()) changed = true;
        return changed;
    }

    /// <summary>Two oldest of more than five buckets of a size become one of the next.</summary>
    private void Compress()
    {
        for (var start = 0; start < buckets.Count;)
        {
            var end = start;
            while (end < buckets.Count && buckets[end].Count == buckets[start].Count) end++;
            if (end - start <= BucketsOfASize) return;
            var (a, b) = (buckets[end - 1], buckets[end - 2]);
            buckets[end - 2] = new Bucket(a.Count + b.Count, a.Sum + b.Sum, a.Squares + b.Squares);
            buckets.RemoveAt(end - 1);
            start = end - 2;
        }
    }

    private bool Cut()
    {
        var mean = Mean;
        var variance = Math.Max(0, squares / Width - mean * mean);
        var confidence = Math.Log(2 * Math.Log(Width) / delta);
        long older = 0;
        double sum = 0;
        for (var i = buckets.Count - 1; i > 0; i--)
        {
            older += buckets[i].Count;
            sum += buckets[i].Sum;
            var newer = Width - older;
            if (older < ShortestPart) continue;
            if (newer < ShortestPart) return false;
            var (before, after) = (sum / older, (total - sum) / newer);
            var rate = 1.0 / older + 1.0 / newer;
            var bound = Math.Sqrt(2 * rate * variance * confidence) + 2.0 / 3 * rate * confidence * Math.Sqrt(variance);
            if (Math.Abs(before - after) <= bound) continue;
            LastChange = (before, after);
            for (var drop = buckets.Count - 1; drop >= i; drop--)
            {
                Width -= buckets[drop].Count;
                total -= buckets[drop].Sum;
                squares -= buckets[drop].Squares;
                buckets.RemoveAt(drop);
            }
            return true;
        }
        return false;
    }

    private readonly record struct Bucket(long Count, double Sum, double Squares);
}
