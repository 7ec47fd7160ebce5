using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>What comes in.</summary>
internal static class ArticleInstruments
{
    private static readonly Counter<long> Accepted = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.articles.accepted", "{article}", "Articles stored, duplicates not counted.");

    private static readonly Counter<long> Duplicates = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.articles.duplicates", "{article}", "Articles that were there already with the same content.");

    private static readonly Histogram<double> Duration = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.articles.ingest.duration", "s", "Time to store the articles of one request durably.", advice: RsrNetTelemetry.Durations);

    /// <param name="elapsed">Of the whole request to the store.</param>
    public static void OnIngested(int accepted, int duplicates, TimeSpan elapsed)
    {
        Accepted.Add(accepted);
        Duplicates.Add(duplicates);
        Duration.Record(elapsed.TotalSeconds);
    }
}
