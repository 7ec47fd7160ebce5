using System.Globalization;
using System.Text;

namespace RsrNet.Cli.Documents;

/// <summary>How two residuals fell, drawn in characters: a logarithmic scale upwards, one column for each kept supervision step.</summary>
internal static class ResidualChart
{
    private const int Height = 8;

    /// <summary>Residuals below this are drawn on the lowest line.</summary>
    private const double Floor = 1e-6;

    /// <param name="points">Step, residual of y, residual of z; oldest first.</param>
    /// <param name="width">Columns the chart may take, axis included; at least 20.</param>
    public static string Draw(IReadOnlyList<(long Step, double Y, double Z)> points, int width)
    {
        if (points.Count == 0) return "";
        var shown = Math.Min(points.Count, Math.Max(1, width - 12));
        var columns = points.Skip(points.Count - shown).ToList();
        var logs = columns.SelectMany(point => (double[])[Log(point.Y), Log(point.Z)]).ToList();
        // At least one decade, so that a flat course looks flat.
        var top = Math.Ceiling(logs.Max());
        var bottom = Math.Min(Math.Floor(logs.Min()), top - 1);

        var grid = new char[Height, shown];
        for (var column = 0; column < shown; column++)
        {
            var y = Row(columns[column].Y, bottom, top);
            var z = Row(columns[column].Z, bottom, top);
            grid[z, column] = 'z';
            grid[y, column] = y == z ? '*' : 'y';
        }

        var chart = new StringBuilder();
        for (var row = 0; row < Height; row++)
        {
            var label = row == 0 ? Label(top) : row == Height - 1 ? Label(bottom) : "";
            chart.Append(CultureInfo.InvariantCulture, $"{label,8} |");
            for (var column = 0; column < shown; column++) chart.Append(grid[row, column] == 0 ? ' ' : grid[row, column]);
            chart.Append('\n');
        }
        chart.Append(' ', 9).Append('+').Append('-', shown).Append('\n');
        var first = columns[0].Step.ToString(CultureInfo.InvariantCulture);
        var last = columns[^1].Step.ToString(CultureInfo.InvariantCulture);
        var gap = Math.Max(1, shown - first.Length - last.Length);
        chart.Append(' ', 10).Append(first);
        if (shown > 1) chart.Append(' ', gap).Append(last);
        return chart.Append("  step (y: residual of y, z: of z, *: both)").ToString();
    }

    private static int Row(double residual, double bottom, double top) =>
        (int)Math.Round((top - Log(residual)) / (top - bottom) * (Height - 1));

    private static double Log(double residual) => Math.Log10(double.IsFinite(residual) ? Math.Max(residual, Floor) : 1);

    private static string Label(double exponent) => Math.Pow(10, exponent).ToString("0.######", CultureInfo.InvariantCulture);
}
