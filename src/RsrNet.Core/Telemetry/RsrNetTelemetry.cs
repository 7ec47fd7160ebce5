using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>
/// The one meter and the one activity source of the product: what a metrics listener or a tracer subscribes to by name. Instruments stand in
/// one file for each stage; names and attributes follow OpenTelemetry's semantic conventions.
/// </summary>
public static class RsrNetTelemetry
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string Name = "RsrNet";

    internal static readonly Meter Meter = new(Name, typeof(RsrNetTelemetry).Assembly.GetName().Version?.ToString(3));

    internal static readonly ActivitySource Activities = new(Name, typeof(RsrNetTelemetry).Assembly.GetName().Version?.ToString(3));

    /// <summary>Seconds from half a millisecond to a minute: for work that one request or one batch takes.</summary>
    internal static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    };

    /// <summary>Ratios over six decades, a few to each: residuals.</summary>
    internal static readonly InstrumentAdvice<double> Ratios = new()
    {
        HistogramBucketBoundaries = [1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3],
    };

    /// <summary>Powers of two: batch sizes, steps, versions.</summary>
    internal static readonly InstrumentAdvice<long> Counts = new()
    {
        HistogramBucketBoundaries = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    };

    /// <summary>Tenths of [0, 1].</summary>
    internal static readonly InstrumentAdvice<double> Shares = new()
    {
        HistogramBucketBoundaries = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1],
    };
}
