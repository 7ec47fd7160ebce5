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
        var low = lines.Min(line => line.Values.Min());
        var high = lines.Max(line => line.Values.Max());
        if (high - low < 1e-6) (low, high) = (low - 0.5, high + 0.5);
        var margin = 0.05 * (high - low);
        (low, high) = (low - margin, high + margin);
        double Y(double value) => top + Height - (value - low) / (high - low) * Height;
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{top - 8}\">{title}</text>");
        for (var tick = 0; tick <= 4; tick++)
        {
            var value = low + (high - low) * tick / 4;
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Left + Width}\" y1=\"{Y(value):0.0}\" y2=\"{Y(value):0.0}\" stroke=\"#e4e4e4\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{Y(value) + 4:0.0}\" text-anchor=\"end\">{value:0.000}</text>");
        }
        for (var i = 0; i < lines.Length; i++)
        {
            var (name, values) = lines[i];
            var points = values.Select((value, at) =>
                string.Create(CultureInfo.InvariantCulture, $"{Left + (double)Width * at / Math.Max(values.Length - 1, 1):0.0},{Y(value):0.0}"));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{Colours[i % Colours.Length]}\" stroke-width=\"{(i == 0 ? 2 : 1.2)}\" points=\"{string.Join(' ', points)}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + Width + 8}\" y=\"{top + 14 + 18 * i}\" fill=\"{Colours[i % Colours.Length]}\">{name}</text>");
        }
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + Width}\" y=\"{top + Height + 18}\" text-anchor=\"end\">{lines[0].Values.Length} articles</text>");
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
