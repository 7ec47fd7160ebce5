using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>What becomes of texts before refinement.</summary>
internal static class EmbeddingInstruments
{
    private const string ErrorType = "error.type";

    private static readonly Histogram<double> Duration = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.embedding.duration", "s", "Time to embed one article with its highlights; error.type where the encoder failed.",
        advice: RsrNetTelemetry.Durations);

    public static void OnEmbedded(TimeSpan elapsed, bool failed)
    {
        if (failed) Duration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>(ErrorType, "encoder"));
        else Duration.Record(elapsed.TotalSeconds);
    }
}
