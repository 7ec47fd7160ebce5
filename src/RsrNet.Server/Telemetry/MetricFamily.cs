using System.Collections.Concurrent;

namespace RsrNet.Server.Telemetry;

internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>All series of one instrument. Safe to call from many threads.</summary>
/// <param name="name">As Prometheus has it; of a counter without <c>_total</c>.</param>
/// <param name="bounds">Upper ends of a histogram's buckets, ascending, the infinite one left out.</param>
/// <param name="limit">Series at most; what comes beyond is not counted.</param>
internal sealed class MetricFamily(string name, string help, MetricKind kind, double[] bounds, int limit)
{
    private readonly ConcurrentDictionary<string, MetricSeries> series = new(StringComparer.Ordinal);

    public string Name => name;

    public string Help => help;

    public MetricKind Kind => kind;

    public IReadOnlyList<double> Bounds => bounds;

    public IEnumerable<MetricSeries> Series => series.Values.OrderBy(one => one.Labels, StringComparer.Ordinal);

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = PrometheusName.Labels(tags);
        if (!series.TryGetValue(labels, out var one))
        {
            if (series.Count >= limit) return;
            one = series.GetOrAdd(labels, static (labels, buckets) => new MetricSeries(labels, buckets), kind == MetricKind.Histogram ? bounds.Length + 1 : 0);
        }
        one.Record(value, kind, bounds);
    }
}

/// <param name="labels">As they stand between the braces; empty for none.</param>
internal sealed class MetricSeries(string labels, int buckets)
{
    private readonly Lock gate = new();
    private readonly long[] counts = new long[buckets];
    private double value;
    private long count;

    public string Labels => labels;

    public void Record(double measured, MetricKind kind, double[] bounds)
    {
        lock (gate)
        {
            switch (kind)
            {
                case MetricKind.Counter:
                    value += measured;
                    break;
                case MetricKind.Gauge:
                    value = measured;
                    break;
                default:
                    if (double.IsNaN(measured)) return;
                    var bucket = 0;
                    while (bucket < bounds.Length && measured > bounds[bucket]) bucket++;
                    counts[bucket]++;
                    value += measured;
                    count++;
                    break;
            }
        }
    }

    /// <returns>The value, or a histogram's sum; its count; and how many lie in each bucket alone.</returns>
    public (double Value, long Count, long[] Buckets) Read()
    {
        lock (gate) return (value, count, [.. counts]);
    }
}
