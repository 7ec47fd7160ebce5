using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>Versions and checkpoints.</summary>
internal static class WeightInstruments
{
    private static readonly Gauge<long> Version = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.weights.version", "{version}", "The weight version in use.");

    private static readonly Gauge<long> CheckpointVersion = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.weights.checkpoint.version", "{version}", "The version of the newest durable checkpoint.");

    private static readonly Gauge<double> UnsavedAge = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.weights.unsaved.age", "s", "How long the oldest update that is in no checkpoint has been waiting; 0 where all are.");

    private static readonly Histogram<double> CheckpointDuration = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.weights.checkpoint.duration", "s", "Time to write one checkpoint durably.", advice: RsrNetTelemetry.Durations);

    private static readonly Gauge<double> Norm = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.weights.norm", "1", "Norm of one parameter tensor.");

    public static void OnRead(long version, long checkpointVersion, TimeSpan unsavedAge)
    {
        Version.Record(version);
        CheckpointVersion.Record(checkpointVersion);
        UnsavedAge.Record(unsavedAge.TotalSeconds);
    }

    public static void OnCheckpointed(TimeSpan elapsed) => CheckpointDuration.Record(elapsed.TotalSeconds);

    /// <param name="parameter">PyTorch's name.</param>
    public static void OnNorm(string parameter, double norm) => Norm.Record(norm, new KeyValuePair<string, object?>("rsrnet.parameter", parameter));
}
