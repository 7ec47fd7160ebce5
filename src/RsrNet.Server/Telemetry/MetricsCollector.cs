using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using RsrNet.Core.Telemetry;

namespace RsrNet.Server.Telemetry;

/// <summary>Listens to the product's meter and keeps the present value of every series, for <see cref="PrometheusText"/>.</summary>
internal sealed class MetricsCollector : IDisposable
{
    /// <summary>Series of one instrument at most: an attribute that takes too many values must not eat the memory.</summary>
    private const int SeriesLimit = 2000;

    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly MeterListener listener = new();
    private readonly ConcurrentDictionary<string, MetricFamily> families = new(StringComparer.Ordinal);

    public MetricsCollector()
    {
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter.Name != RsrNetTelemetry.Name) return;
            listening.EnableMeasurementEvents(instrument, families.GetOrAdd(instrument.Name, _ => FamilyOf(instrument)));
        };
        listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        listener.Start();
    }

    /// <summary>By name.</summary>
    public IEnumerable<MetricFamily> Families => families.Values.OrderBy(family => family.Name, StringComparer.Ordinal);

    public void Dispose() => listener.Dispose();

    private static MetricFamily FamilyOf(Instrument instrument)
    {
        var kind = instrument switch
        {
            Counter<long> or Counter<double> => MetricKind.Counter,
            Histogram<long> or Histogram<double> => MetricKind.Histogram,
            _ => MetricKind.Gauge,
        };
        double[] bounds = instrument switch
        {
            Histogram<long> histogram => [.. histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound) ?? DefaultBounds],
            Histogram<double> histogram => [.. histogram.Advice?.HistogramBucketBoundaries ?? DefaultBounds],
            _ => [],
        };
        return new MetricFamily(PrometheusName.Of(instrument.Name, instrument.Unit, kind), instrument.Description ?? "", kind, bounds, SeriesLimit);
    }
}
