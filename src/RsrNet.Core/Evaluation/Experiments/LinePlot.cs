using System.Globalization;
using System.Net;
using System.Text;

namespace RsrNet.Core.Evaluation.Experiments;

/// <summary>An experiment's curves as an SVG picture, with its maps below.</summary>
public static class LinePlot
{
    private const int Width = 640, Height = 320, Left = 60, Top = 40, Legend = 260;

    internal static readonly string[] Colours = ["#0b6e4f", "#c97b12", "#2b5fa8", "#9b2d6f", "#8a8a8a", "#5a4fcf", "#b23a48"];

    public static string Draw(ExperimentReport report)
    {
        var svg = new StringBuilder();
        var bottom = Top + Height + 40;
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Left + Width + Legend} {bottom + ScatterPanels.HeightOf(report.Maps)}\" ");
        svg.Append(CultureInfo.InvariantCulture, $"font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(report.Axis)}\">");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"20\">{WebUtility.HtmlEncode($"{report.Name}: {report.Axis}")}</text>");
        var all = report.Curves.SelectMany(curve => curve.Values).Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (low, high) = (all.Min(), all.Max());
        if (high - low < 1e-9) (low, high) = (low - 0.5, high + 0.5);
        double Y(double value) => Top + Height - (value - low) / (high - low) * Height;
        for (var tick = 0; tick <= 4; tick++)
        {
            var value = low + (high - low) * tick / 4;
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Left + Width}\" y1=\"{Y(value):0.0}\" y2=\"{Y(value):0.0}\" stroke=\"#e4e4e4\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{Y(value) + 4:0.0}\" text-anchor=\"end\">{value:0.000}</text>");
        }
        var lengths = report.Curves.Select(curve => curve.Values.Count).Distinct().ToList();
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + Width}\" y=\"{Top + Height + 18}\" text-anchor=\"end\">");
        svg.Append(CultureInfo.InvariantCulture, $"{(lengths.Count == 1 ? $"1 to {lengths[0]}" : "each from its first to its last")}</text>");
        for (var i = 0; i < report.Curves.Count; i++)
        {
            var (name, values) = report.Curves[i];
            var colour = Colours[i % Colours.Length];
            var points = values.Select((value, at) => string.Create(
                CultureInfo.InvariantCulture, $"{Left + (double)Width * (at + 1) / Math.Max(values.Count, 1):0.0},{Y(value):0.0}"));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" points=\"{string.Join(' ', points)}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + Width + 12}\" y=\"{Top + 12 + 20 * i}\" fill=\"{colour}\">{WebUtility.HtmlEncode(name)}</text>");
        }
        ScatterPanels.Draw(svg, report.Maps, Left, bottom);
        return svg.Append("</svg>\n").ToString();
    }
}
