using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>How learning goes.</summary>
internal static class CoordinationInstruments
{
    private static readonly Counter<long> Updates = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.coordination.updates", "{update}", "Gradients applied to the weights.");

    private static readonly Counter<long> Refused = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.coordination.gradients.refused", "{gradient}", "Gradients that were not finite or too old, and left the weights as they were.");

    private static readonly Counter<long> Learned = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.coordination.learned", "{document}", "Labelled documents learned from.");

    private static readonly Histogram<double> GradientNorm = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.coordination.gradient.norm", "1", "Norm of a gradient before clipping.", advice: RsrNetTelemetry.Ratios);

    private static readonly Gauge<double> Loss = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.coordination.loss", "1", "Training loss, mean over the last 200 labelled documents.");

    private static readonly Gauge<double> Similarity = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.coordination.prequential.similarity", "1", "Cosine of predictions made before learning to the highlights, mean over the last 200.");

    private static readonly Gauge<double> Error = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.coordination.prequential.error", "1", "Mean squared error of the same predictions.");

    private static readonly Counter<long> Drifts = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.coordination.drifts", "{change}", "Changes of the stream that were found, by signal, detector and direction.");

    public static void OnDrift(DriftEvent change) => Drifts.Add(
        1, new("rsrnet.signal", change.Signal), new("rsrnet.detector", change.Detector), new("rsrnet.direction", change.IsDrift ? "fall" : "rise"));

    public static void OnUpdated(double gradientNorm)
    {
        Updates.Add(1);
        GradientNorm.Record(gradientNorm);
    }

    public static void OnUpdated(long versions) => Updates.Add(versions);

    public static void OnGradientRefused() => Refused.Add(1);

    public static void OnLearned() => Learned.Add(1);

    /// <summary>Values that are not there yet leave their series out.</summary>
    public static void OnRead(double? loss, double? similarity, double? error)
    {
        if (loss is { } mean) Loss.Record(mean);
        if (similarity is { } cosine) Similarity.Record(cosine);
        if (error is { } squared) Error.Record(squared);
    }
}
