using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>What replicas compute and how long it takes them.</summary>
internal static class ReplicaInstruments
{
    private const string Replica = "rsrnet.replica", Phase = "rsrnet.phase";

    private static readonly Histogram<double> StepDuration = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.replicas.step.duration", "s", "Time of one supervision step of a batch.", advice: RsrNetTelemetry.Durations);

    private static readonly Histogram<long> BatchSize = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.replicas.batch.size", "{document}", "Documents of one batch.", advice: RsrNetTelemetry.Counts);

    private static readonly Histogram<long> Staleness = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.replicas.gradient.staleness", "{version}", "Versions the weights had moved on when a gradient arrived.", advice: RsrNetTelemetry.Counts);

    public static void OnStepped(string replica, bool trained, int documents, TimeSpan elapsed)
    {
        var name = new KeyValuePair<string, object?>(Replica, replica);
        var phase = new KeyValuePair<string, object?>(Phase, trained ? "train" : "refine");
        StepDuration.Record(elapsed.TotalSeconds, name, phase);
        BatchSize.Record(documents, name, phase);
    }

    /// <param name="versions">0 where the gradient was made with the weights it is applied to.</param>
    public static void OnGradient(string replica, long versions) => Staleness.Record(versions, new KeyValuePair<string, object?>(Replica, replica));
}
