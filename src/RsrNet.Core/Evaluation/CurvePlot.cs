using System.Globalization;
using System.Text;

namespace RsrNet.Core.Evaluation;

/// <summary>The prequential curves as an SVG: running cosine of ours and the baselines above, running gain of the summaries over Lead-3 below.</summary>
public static class CurvePlot
{
    private const int Window = 50;
    private const int Width = 760;
    private const int Height = 220;
    private const int Left = 60;
    private const int Top = 30;

    private static readonly string[] Colours = ["#0b6e4f", "#8a8a8a", "#c97b12", "#2b5fa8", "#9b2d6f"];

    public static string Draw(EvaluationReport report)
    {
        var curve = report.Prequential.Curve;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width + Left + 110} {2 * (Height + 60) + Top}\" ");
        svg.Append("font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Prequential quality along the stream\">");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>");
        var names = curve[0].Similarity.Keys.ToArray();
        Panel(svg, Top, $"cosine to the highlights, each article before it is learned (mean of the last {Window})",
            [.. names.Select(name => (name, Running(curve.Select(point => point.Similarity[name]))))]);
        Panel(svg, Top + Height + 60, $"gain of the served summary over the first three sentences, mean ROUGE F1 (mean of the last {Window})",
            [("ours", Running(curve.Select(point => point.RougeGain))), ("lead3", [.. curve.Select(_ => 0.0)])]);
        return svg.Append("</svg>").ToString();
    }

    private static void Panel(StringBuilder svg, int top, string title, (string Name, double[] Values)[] lines)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{top - 8}\">{title}</text>");
        var panel = new PlotPanel(svg, Left, top, Width, Height, lines.SelectMany(line => line.Values));
        for (var i = 0; i < lines.Length; i++) panel.Line(lines[i].Name, lines[i].Values, Colours[i % Colours.Length], i == 0 ? 2 : 1.2);
        panel.Below($"{lines[0].Values.Length} articles");
    }

    private static double[] Running(IEnumerable<double> values)
    {
        var window = new Queue<double>(Window);
        double sum = 0;
        var running = new List<double>();
        foreach (var value in values)
        {
            if (window.Count == Window) sum -= window.Dequeue();
            window.Enqueue(value);
            sum += value;
            running.Add(sum / window.Count);
        }
        return [.. running];
    }
}
