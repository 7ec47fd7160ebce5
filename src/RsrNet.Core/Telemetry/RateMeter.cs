namespace RsrNet.Core.Telemetry;

/// <summary>Events a second over the last ten whole seconds. Not thread-safe.</summary>
public sealed class RateMeter(TimeProvider time)
{
    private const int Seconds = 10;
    private readonly long[] counts = new long[Seconds + 1];
    private readonly long started = time.GetTimestamp();
    private long second;

    public void Add(long events)
    {
        Advance();
        counts[second % counts.Length] += events;
    }

    /// <summary>Before ten seconds have passed, over those that have.</summary>
    public double PerSecond
    {
        get
        {
            var elapsed = Advance();
            return counts.Sum() / Math.Clamp(elapsed, 1, Seconds + elapsed % 1);
        }
    }

    private double Advance()
    {
        var elapsed = time.GetElapsedTime(started).TotalSeconds;
        var now = (long)elapsed;
        for (var passed = Math.Max(second + 1, now - Seconds); passed <= now; passed++) counts[passed % counts.Length] = 0;
        second = Math.Max(second, now);
        return elapsed;
    }
}
