namespace RsrNet.Cli.Telemetry;

/// <summary>The last values of a number, drawn as small bars between the least and the greatest of them.</summary>
/// <param name="width">Values kept, one character each.</param>
internal sealed class Sparkline(int width)
{
    private const string Bars = "▁▂▃▄▅▆▇█";

    /// <summary>A range below this share of the values is none.</summary>
    private const double Flat = 0.005;

    private readonly Queue<double> values = new();

    public void Add(double value)
    {
        if (!double.IsFinite(value)) return;
        if (values.Count == width) values.Dequeue();
        values.Enqueue(value);
    }

    public override string ToString()
    {
        if (values.Count == 0) return "";
        var (least, greatest) = (values.Min(), values.Max());
        // A course without change is a low line, not a division by zero; one that hardly changes does not look like a storm.
        if (greatest - least <= Flat * Math.Max(Math.Abs(least), Math.Abs(greatest))) return new string(Bars[0], values.Count);
        return string.Concat(values.Select(value => Bars[(int)((value - least) / (greatest - least) * (Bars.Length - 1) + 0.5)]));
    }
}
