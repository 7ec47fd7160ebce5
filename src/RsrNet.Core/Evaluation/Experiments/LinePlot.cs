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
        var panel = new PlotPanel(svg, Left, Top, Width, Height, report.Curves.SelectMany(curve => curve.Values));
        for (var i = 0; i < report.Curves.Count; i++) panel.Line(report.Curves[i].Name, report.Curves[i].Values, Colours[i % Colours.Length], 1.6);
        var lengths = report.Curves.Select(curve => curve.Values.Count).Distinct().ToList();
        panel.Below(lengths.Count == 1 ? $"1 to {lengths[0]}" : "each from its first to its last");
        ScatterPanels.Draw(svg, report.Maps, Left, bottom);
        return svg.Append("</svg>\n").ToString();
    }
}
