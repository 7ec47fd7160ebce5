using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace RsrNet.Server.Telemetry;

/// <summary>Writes metrics in Prometheus' text format 0.0.4 or as OpenMetrics 1.0.</summary>
/// <param name="openMetrics">Counters are declared without <c>_total</c>, and the text ends with <c># EOF</c>.</param>
internal sealed class PrometheusText(bool openMetrics)
{
    public const string PlainType = "text/plain; version=0.0.4; charset=utf-8";
    public const string OpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private readonly StringBuilder text = new();

    /// <summary>Whether a client that accepts these wants OpenMetrics: it names it with a weight that no plain text exceeds.</summary>
    public static bool WantsOpenMetrics(string? accept)
    {
        double open = 0, plain = 0;
        foreach (var choice in (accept ?? "").Split(',', StringSplitOptions.TrimEntries))
        {
            var parts = choice.Split(';', StringSplitOptions.TrimEntries);
            var weight = 1.0;
            foreach (var part in parts)
            {
                if (part.StartsWith("q=", StringComparison.Ordinal) && double.TryParse(part.AsSpan(2), NumberStyles.Float, CultureInfo.InvariantCulture, out var q)) weight = q;
            }
            if (parts[0] == "application/openmetrics-text") open = Math.Max(open, weight);
            else if (parts[0] is "text/plain" or "text/*" or "*/*") plain = Math.Max(plain, weight);
        }
        return open > 0 && open >= plain;
    }

    public string Write(IEnumerable<MetricFamily> families, Process process)
    {
        foreach (var family in families) Write(family);
        WriteProcess(process);
        if (openMetrics) text.Append("# EOF\n");
        return text.ToString();
    }

    private void Write(MetricFamily family)
    {
        Declare(family.Name, family.Kind, family.Help);
        foreach (var series in family.Series)
        {
            var (value, count, buckets) = series.Read();
            if (family.Kind != MetricKind.Histogram)
            {
                Sample(family.Kind == MetricKind.Counter ? family.Name + "_total" : family.Name, series.Labels, value);
                continue;
            }
            long sum = 0;
            for (var i = 0; i < buckets.Length; i++)
            {
                sum += buckets[i];
                var bound = i < family.Bounds.Count ? Number(family.Bounds[i], isBound: true) : "+Inf";
                Sample(family.Name + "_bucket", series.Labels.Length > 0 ? $"{series.Labels},le=\"{bound}\"" : $"le=\"{bound}\"", sum);
            }
            Sample(family.Name + "_sum", series.Labels, value);
            Sample(family.Name + "_count", series.Labels, count);
        }
    }

    /// <summary>What every exporter of Prometheus says of its process, under the usual names.</summary>
    private void WriteProcess(Process process)
    {
        process.Refresh();
        Declare("process_cpu_seconds", MetricKind.Counter, "Processor time used.");
        Sample("process_cpu_seconds_total", "", process.TotalProcessorTime.TotalSeconds);
        Declare("process_resident_memory_bytes", MetricKind.Gauge, "Memory in use.");
        Sample("process_resident_memory_bytes", "", process.WorkingSet64);
        Declare("process_start_time_seconds", MetricKind.Gauge, "When the process started, in seconds since 1970.");
        Sample("process_start_time_seconds", "", new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0);
    }

    private void Declare(string name, MetricKind kind, string help)
    {
        var declared = kind == MetricKind.Counter && !openMetrics ? name + "_total" : name;
        var type = kind switch { MetricKind.Counter => "counter", MetricKind.Gauge => "gauge", _ => "histogram" };
        var explained = help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        text.Append("# HELP ").Append(declared).Append(' ').Append(explained).Append('\n');
        text.Append("# TYPE ").Append(declared).Append(' ').Append(type).Append('\n');
    }

    private void Sample(string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value, isBound: false)).Append('\n');
    }

    /// <summary>OpenMetrics wants a bound to look like a float everywhere, or two scrapers see two series.</summary>
    private string Number(double value, bool isBound)
    {
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "+Inf" : "-Inf";
        var number = value.ToString("R", CultureInfo.InvariantCulture);
        return isBound && openMetrics && !number.AsSpan().ContainsAny('.', 'E') ? number + ".0" : number;
    }
}
