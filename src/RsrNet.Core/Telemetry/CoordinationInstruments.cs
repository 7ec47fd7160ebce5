using System.Diagnostics.Metrics;
using RsrNet.Core.Documents;

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

    private static readonly Gauge<double> Baseline = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.coordination.baseline.similarity", "1", "Cosine of the article's own embedding to the highlights, over the same documents: what predictions have to beat.");

    private static readonly Gauge<double> Rouge = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.coordination.prequential.rouge", "1",
        "Mean of ROUGE-1 and -2 F1 of summaries before they were learned, over the last 200: as served, and of the first three sentences.");

    private static readonly Gauge<double> ReadoutGain = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.coordination.readout.gain", "1", "What the learned readout gains over the first sentences, in ROUGE, whether it serves or not.");

    private static readonly Gauge<long> ReadoutOpen = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.coordination.readout.open", "1", "1 while the learned readout serves, 0 while the first sentences do.");

    private static readonly Gauge<double> CalibrationError = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.coordination.calibration.error", "1", "Expected calibration error of the confidence, over the last 500 labelled documents.");

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
    public static void OnRead(TelemetrySnapshot numbers)
    {
        if (numbers.Loss is { } mean) Loss.Record(mean);
        if (numbers.PrequentialSimilarity is { } cosine) Similarity.Record(cosine);
        if (numbers.PrequentialError is { } squared) Error.Record(squared);
        if (numbers.PrequentialCopySimilarity is { } copied) Baseline.Record(copied);
        if (numbers.PrequentialRouge is { } served) Rouge.Record(served, new KeyValuePair<string, object?>("rsrnet.readout", "served"));
        if (numbers.PrequentialLeadRouge is { } lead) Rouge.Record(lead, new KeyValuePair<string, object?>("rsrnet.readout", "lead"));
        if (numbers.ReadoutGain is { } gain) ReadoutGain.Record(gain);
        if (numbers.Readout is { } readout) ReadoutOpen.Record(readout == SentenceReadout.Learned ? 1 : 0);
        if (numbers.Calibration is { } calibration) CalibrationError.Record(calibration.ExpectedError);
    }
}
