using System.Diagnostics;
using System.Globalization;

namespace RsrNet.Cli.Bench;

/// <summary>What repeated measurements of one thing gave.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    public int Count => _values.Count;

    public double Median => At(0.5);

    public void Add(double value) => _values.Add(value);

    /// <summary>The value that a share of all lies below.</summary>
    public double At(double share)
    {
        var sorted = _values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[(int)Math.Round(share * (sorted.Length - 1), MidpointRounding.AwayFromZero)];
    }

    /// <summary>The middle 80% of the values, relative to the median: <c>-3% to +12%</c>.</summary>
    public string Spread() =>
        string.Create(CultureInfo.InvariantCulture, $"{100 * (At(0.1) / Median - 1):+0;-0;0}% to {100 * (At(0.9) / Median - 1):+0;-0;0}%");
}

/// <summary>
/// Times a piece of work that is too short for one look at the clock. Work of one thread is timed by the processor time it takes, which other
/// programs on a busy machine change less than the time on the wall; on an idle one the two are the same.
/// </summary>
/// <param name="work">One repeat.</param>
/// <param name="threads">Threads that it keeps busy.</param>
internal sealed class Stopclock(Action work, int threads)
{
    /// <summary>Long enough for the clock, short enough that most samples fall between two interruptions by other programs.</summary>
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(20);

    /// <summary>Long enough for the runtime to have compiled everything for good.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(400);

    private int _repeats;

    /// <summary>Seconds of one repeat, the first one left out.</summary>
    public double Measure()
    {
        if (_repeats == 0) Prepare();
        work();
        var started = Now();
        for (var i = 0; i < _repeats; i++) work();
        return (Now() - started).TotalSeconds / _repeats;
    }

    private void Prepare()
    {
        var started = Now();
        var done = 0;
        while (done < 3 || Now() - started < WarmUp)
        {
            work();
            done++;
        }
        _repeats = RepeatsFor((Now() - started).TotalSeconds / done);
    }

    private TimeSpan Now() => threads == 1 ? Environment.CpuUsage.TotalTime : Stopwatch.GetElapsedTime(0);

    /// <summary>How many repeats fill a sample.</summary>
    public static int RepeatsFor(double seconds) => (int)Math.Clamp(Sample.TotalSeconds / seconds, 1, 100_000);
}
