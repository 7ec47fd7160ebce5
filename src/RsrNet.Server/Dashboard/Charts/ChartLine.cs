using RsrNet.Core.Telemetry;

namespace RsrNet.Server.Dashboard.Charts;

/// <summary>One line of a chart.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Points">X ascending; a Y that is no number makes a gap.</param>
/// <param name="Tone">1 to 3: which of the chart colours.</param>
public sealed record ChartLine(string Name, IReadOnlyList<(double X, double Y)> Points, int Tone = 1)
{
    /// <summary>Whether it is only what the others are held against: drawn dashed.</summary>
    public bool IsGuide { get; init; }

    /// <summary>Whether each point is marked.</summary>
    public bool IsDotted { get; init; }

    /// <summary>Of the past, with seconds before now as x.</summary>
    public static ChartLine Of(string name, IReadOnlyList<HistoryPoint> past, DateTimeOffset now, int tone = 1) =>
        new(name, [.. WithGaps(past).Select(point => ((point.At - now).TotalSeconds, (double)point.Value))], tone);

    /// <summary>Where points are missing the server was away: the line does not pretend to know what was between.</summary>
    private static IEnumerable<HistoryPoint> WithGaps(IReadOnlyList<HistoryPoint> past)
    {
        var step = past.Zip(past.Skip(1), (a, b) => b.At - a.At).DefaultIfEmpty().Min();
        for (var i = 0; i < past.Count; i++)
        {
            if (i > 0 && past[i].At - past[i - 1].At > 4 * step) yield return new HistoryPoint(past[i - 1].At + step, float.NaN);
            yield return past[i];
        }
    }

    public double? Last
    {
        get
        {
            for (var i = Points.Count - 1; i >= 0; i--)
            {
                if (double.IsFinite(Points[i].Y)) return Points[i].Y;
            }
            return null;
        }
    }
}
