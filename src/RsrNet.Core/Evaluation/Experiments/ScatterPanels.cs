using System.Globalization;
using System.Net;
using System.Text;

namespace RsrNet.Core.Evaluation.Experiments;

/// <summary>Places on a plane side by side, coloured by label: a part of an SVG picture.</summary>
internal static class ScatterPanels
{
    private const int Size = 380, Gap = 60, Title = 24, Legend = 52;

    /// <summary>Room they need; 0 for none.</summary>
    public static int HeightOf(IReadOnlyList<ExperimentMap> maps) => maps.Count == 0 ? 0 : Title + Size + Legend;

    public static void Draw(StringBuilder svg, IReadOnlyList<ExperimentMap> maps, int left, int top)
    {
        var labels = maps.SelectMany(map => map.Places).Select(place => place.Label).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        for (var i = 0; i < maps.Count; i++) Draw(svg, maps[i], labels, left + i * (Size + Gap), top + Title);
        var x = left;
        foreach (var label in labels)
        {
            var (colour, y) = (ColourOf(label, labels), top + Title + Size + 36);
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x + 5}\" cy=\"{y - 4}\" r=\"5\" fill=\"{colour}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 15}\" y=\"{y}\">{WebUtility.HtmlEncode(label)}</text>");
            x += 40 + 8 * label.Length;
        }
    }

    private static void Draw(StringBuilder svg, ExperimentMap map, List<string> labels, int left, int top)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{left}\" y=\"{top - 8}\">{WebUtility.HtmlEncode(map.Name)}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{left}\" y=\"{top}\" width=\"{Size}\" height=\"{Size}\" fill=\"none\" stroke=\"#bbb\"/>");
        var (lowX, highX) = Range(map.Places.Select(place => place.X));
        var (lowY, highY) = Range(map.Places.Select(place => place.Y));
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{left}\" y=\"{top + Size + 12}\" font-size=\"10\">{lowX:0.00} to {highX:0.00}, up {lowY:0.00} to {highY:0.00}</text>");
        foreach (var (placeX, placeY, label) in map.Places)
        {
            var x = left + (placeX - lowX) / (highX - lowX) * Size;
            var y = top + Size - (placeY - lowY) / (highY - lowY) * Size;
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x:0.0}\" cy=\"{y:0.0}\" r=\"2.5\" fill=\"{ColourOf(label, labels)}\" fill-opacity=\"0.7\"/>");
        }
    }

    private static string ColourOf(string label, List<string> labels) => LinePlot.Colours[labels.IndexOf(label) % LinePlot.Colours.Length];

    /// <summary>With a margin, so that no point lies on the frame.</summary>
    private static (float Low, float High) Range(IEnumerable<float> values)
    {
        var all = values.ToArray();
        var (low, high) = all.Length == 0 ? (0, 1) : (all.Min(), all.Max());
        var margin = Math.Max(0.05f * (high - low), 1e-6f);
        return (low - margin, high + margin);
    }
}
