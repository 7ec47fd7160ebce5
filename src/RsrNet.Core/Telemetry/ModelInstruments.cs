using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>How the text models learn; the attribute <c>rsrnet.model</c> is a model's name.</summary>
internal static class ModelInstruments
{
    private const string Name = "rsrnet.model";

    private static readonly Counter<long> Learned = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.models.learned", "{article}", "Articles a text model learned from.");

    private static readonly Counter<long> Updates = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.models.updates", "{update}", "Gradients applied to a text model's weights.");

    private static readonly Gauge<double> Accuracy = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.models.prequential.accuracy", "1", "Share of right predictions, made before learning, over about the last 500 articles.");

    private static readonly Gauge<double> Loss = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.models.prequential.loss", "1", "Mean loss of the same predictions.");

    private static readonly Histogram<double> Duration = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.models.batch.duration", "s", "Time to judge and learn one batch.", advice: RsrNetTelemetry.Durations);

    public static void OnLearned(string model, int articles, long updates, double? accuracy, double? loss, TimeSpan duration)
    {
        var tag = new KeyValuePair<string, object?>(Name, model);
        Learned.Add(articles, tag);
        Updates.Add(updates, tag);
        if (accuracy is { } share) Accuracy.Record(share, tag);
        if (loss is { } mean) Loss.Record(mean, tag);
        Duration.Record(duration.TotalSeconds, tag);
    }
}
