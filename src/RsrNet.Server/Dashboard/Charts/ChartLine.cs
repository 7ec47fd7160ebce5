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
        new(name, [.. past.Select(point => ((point.At - now).TotalSeconds, (double)point.Value))], tone);

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
