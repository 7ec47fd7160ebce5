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

    private static readonly Counter<long> Refused = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.models.refused", "{gradient}", "Gradients of a text model that were not finite and left its weights as they were.");

    private static readonly Gauge<long> Version = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.models.version", "{version}", "The version of a text model's weights in use.");

    private static readonly Gauge<long> CheckpointVersion = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.models.checkpoint.version", "{version}", "The version of a text model's newest durable checkpoint.");

    private static readonly Histogram<double> CheckpointDuration = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.models.checkpoint.duration", "s", "Time to write one checkpoint of a text model durably.", advice: RsrNetTelemetry.Durations);

    private static readonly Gauge<double> Accuracy = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.models.prequential.accuracy", "1", "Share of right predictions, made before learning, over about the last 500 articles.");

    private static readonly Gauge<double> Loss = RsrNetTelemetry.Meter.CreateGauge<double>(
        "rsrnet.models.prequential.loss", "1", "Mean loss of the same predictions.");

    private static readonly Histogram<double> Duration = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.models.batch.duration", "s", "Time to judge and learn one batch.", advice: RsrNetTelemetry.Durations);

    public static void OnLearned(
        string model, int articles, long updates, long refused, long version, double? accuracy, double? loss, TimeSpan duration)
    {
        var tag = Tag(model);
        Learned.Add(articles, tag);
        Updates.Add(updates, tag);
        Refused.Add(refused, tag);
        Show(tag, version, accuracy, loss);
        Duration.Record(duration.TotalSeconds, tag);
    }

    public static void OnSeen(ModelSnapshot model)
    {
        var tag = Tag(model.Name);
        Show(tag, model.Version, model.Accuracy, model.Loss);
        CheckpointVersion.Record(model.CheckpointVersion, tag);
    }

    public static void OnCheckpointed(string model, long version, TimeSpan elapsed)
    {
        Version.Record(version, Tag(model));
        CheckpointVersion.Record(version, Tag(model));
        CheckpointDuration.Record(elapsed.TotalSeconds, Tag(model));
    }

    private static void Show(KeyValuePair<string, object?> tag, long version, double? accuracy, double? loss)
    {
        Version.Record(version, tag);
        if (accuracy is { } share) Accuracy.Record(share, tag);
        if (loss is { } mean) Loss.Record(mean, tag);
    }

    private static KeyValuePair<string, object?> Tag(string model) => new(Name, model);
}
