using System.Globalization;
using System.Net;
using System.Text;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Evaluation;

/// <summary>Curves over one axis of an SVG picture: a grid at round values, lines from left to right, their names beside them.</summary>
internal sealed class PlotPanel
{
    private readonly StringBuilder svg;
    private readonly int left;
    private readonly int top;
    private readonly int width;
    private readonly int height;
    private readonly ChartScale scale;
    private int lines;

    /// <param name="svg">Drawn into; the grid at once.</param>
    /// <param name="left">Place and size in pixels; to the left are the values, to the right the names.</param>
    /// <param name="values">All that is to be on the scale.</param>
    public PlotPanel(StringBuilder svg, int left, int top, int width, int height, IEnumerable<double> values)
    {
        (this.svg, this.left, this.top, this.width, this.height) = (svg, left, top, width, height);
        scale = ChartScale.Of(values);
        foreach (var tick in scale.Ticks)
        {
            Append($"<line x1=\"{left}\" x2=\"{left + width}\" y1=\"{Y(tick):0.0}\" y2=\"{Y(tick):0.0}\" stroke=\"#e4e4e4\"/>");
            Append($"<text x=\"{left - 6}\" y=\"{Y(tick) + 4:0.0}\" text-anchor=\"end\">{scale.Label(tick)}</text>");
        }
    }

    /// <summary>One curve, from the left edge to the right one.</summary>
    /// <param name="strokeWidth">Pixels.</param>
    public void Line(string name, IReadOnlyList<double> values, string colour, double strokeWidth)
    {
        var points = values.Index().Where(point => double.IsFinite(point.Item)).Select(point =>
            string.Create(CultureInfo.InvariantCulture, $"{left + (double)width * point.Index / Math.Max(values.Count - 1, 1):0.0},{Y(point.Item):0.0}"));
        Append($"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{strokeWidth}\" points=\"{string.Join(' ', points)}\"/>");
        Append($"<text x=\"{left + width + 10}\" y=\"{top + 14 + 19 * lines++}\" fill=\"{colour}\">{WebUtility.HtmlEncode(name)}</text>");
    }

    /// <summary>What the way from left to right is.</summary>
    public void Below(string text) => Append($"<text x=\"{left + width}\" y=\"{top + height + 18}\" text-anchor=\"end\">{WebUtility.HtmlEncode(text)}</text>");

    private double Y(double value) => top + height * (1 - scale.Place(value));

    private void Append(FormattableString element) => svg.Append(element.ToString(CultureInfo.InvariantCulture));
}
