using System.Globalization;

namespace RsrNet.Core.Telemetry;

/// <summary>Where values lie on an axis of a chart, and which of them are written beside it.</summary>
public sealed class ChartScale
{
    private readonly bool logarithmic;

    private ChartScale(double low, double high, bool logarithmic, IReadOnlyList<double> ticks) =>
        (Low, High, this.logarithmic, Ticks) = (low, high, logarithmic, ticks);

    public double Low { get; }

    public double High { get; }

    public bool IsLogarithmic => logarithmic;

    /// <summary>Round values from low to high, both included or nearly.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>A scale that shows all the values; one from 0 to 1 where there are none.</summary>
    /// <param name="logarithmic">Decades; values that are not above 0 are left out.</param>
    /// <param name="zero">Whether 0 must be on it.</param>
    public static ChartScale Of(IEnumerable<double> values, bool logarithmic = false, bool zero = false)
    {
        var shown = values.Where(value => double.IsFinite(value) && (!logarithmic || value > 0)).ToList();
        if (shown.Count == 0) return new ChartScale(logarithmic ? 0.01 : 0, 1, logarithmic, logarithmic ? [0.01, 0.1, 1] : [0, 0.5, 1]);
        var (low, high) = (shown.Min(), shown.Max());
        if (logarithmic)
        {
            var (bottom, top) = ((int)Math.Floor(Math.Log10(low)), (int)Math.Ceiling(Math.Log10(high)));
            if (top == bottom) top++;
            var every = Math.Max(1, (int)Math.Ceiling((top - bottom) / 4.0));
            return new ChartScale(
                Math.Pow(10, bottom), Math.Pow(10, top), true,
                [.. Enumerable.Range(0, top - bottom + 1).Where(i => i % every == 0).Select(i => Math.Pow(10, bottom + i))]);
        }
        if (zero) low = Math.Min(low, 0);
        // A value that does not change is a line in the middle, not a division by zero.
        if (zero && low >= 0 && high <= 0) high = 1;
        if (high - low < Math.Max(Math.Abs(high), 1e-12) * 1e-6)
        {
            var room = Math.Max(Math.Abs(high) * 0.1, 1e-6);
            (low, high) = (zero && low >= 0 ? 0 : low - room, high + room);
        }
        var step = Round((high - low) / 3);
        var (first, last) = (Math.Floor(low / step), Math.Ceiling(high / step));
        return new ChartScale(first * step, last * step, false, [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)]);
    }

    /// <summary>0 at the low end, 1 at the high one.</summary>
    public double Place(double value)
    {
        var share = logarithmic
            ? (Math.Log10(Math.Max(value, Low)) - Math.Log10(Low)) / (Math.Log10(High) - Math.Log10(Low))
            : (value - Low) / (High - Low);
        return Math.Clamp(share, 0, 1);
    }

    public string Label(double tick)
    {
        if (tick == 0) return "0";
        if (logarithmic && (tick < 0.001 || tick >= 10_000)) return "10" + Superscript((int)Math.Round(Math.Log10(tick)));
        var size = Math.Max(Math.Abs(Low), Math.Abs(High));
        if (size >= 1e6) return (tick / 1e6).ToString("0.##", CultureInfo.InvariantCulture) + "M";
        if (size >= 10_000) return (tick / 1e3).ToString("0.#", CultureInfo.InvariantCulture) + "k";
        return size < 0.001 ? tick.ToString("0.##e-0", CultureInfo.InvariantCulture) : tick.ToString("0.#####", CultureInfo.InvariantCulture);
    }

    /// <summary>The next of 1, 2 and 5 times a power of ten.</summary>
    private static double Round(double step)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        return (step / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 } * power;
    }

    private static string Superscript(int number) =>
        string.Concat(number.ToString(CultureInfo.InvariantCulture).Select(digit => digit == '-' ? '\u207b' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit - '0']));
}
