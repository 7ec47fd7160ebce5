using System.Text;

namespace RsrNet.Server.Telemetry;

/// <summary>OpenTelemetry's names as Prometheus writes them: dots become underscores, the unit becomes a suffix ("OpenTelemetry to Prometheus" in the specification).</summary>
internal static class PrometheusName
{
    /// <param name="unit">UCUM; null or a remark in braces for none.</param>
    public static string Of(string name, string? unit, MetricKind kind)
    {
        var text = Clean(name);
        var suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        // Of a dimensionless gauge or histogram nothing says "1"; a ratio would be called one only where it is one.
        return suffix.Length > 0 && !text.EndsWith(suffix, StringComparison.Ordinal) ? text + suffix : text;
    }

    /// <summary>Tags as <c>a="b",c="d"</c>, sorted by name.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";
        if (tags.Length == 1) return Label(tags[0]);
        var sorted = tags.ToArray();
        Array.Sort(sorted, (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return string.Join(',', sorted.Select(Label));
    }

    private static string Label(KeyValuePair<string, object?> tag) =>
        $"{Clean(tag.Key)}=\"{Convert.ToString(tag.Value, System.Globalization.CultureInfo.InvariantCulture)?
            .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    private static string Clean(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var letter in name) text.Append(char.IsAsciiLetterOrDigit(letter) ? letter : '_');
        return text.ToString();
    }
}
