using System.Diagnostics.Metrics;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Telemetry;

/// <summary>How documents converge and how many wait.</summary>
internal static class DocumentInstruments
{
    private const string Status = "rsrnet.document.status", Vector = "rsrnet.vector", Phase = "rsrnet.phase";

    private static readonly KeyValuePair<string, object?> OfY = new(Vector, "y"), OfZ = new(Vector, "z");
    private static readonly KeyValuePair<string, object?> Trained = new(Phase, "train"), Refined = new(Phase, "refine");

    private static readonly Counter<long> Steps = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.documents.steps", "{step}", "Supervision steps of documents, in training or in refinement alone.");

    private static readonly Histogram<double> Residual = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.documents.residual", "1", "Relative residual of one step: how far the vector moved, as a share of its length.",
        advice: RsrNetTelemetry.Ratios);

    private static readonly Histogram<double> Confidence = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.documents.confidence", "1", "Confidence q after one step.", advice: RsrNetTelemetry.Shares);

    private static readonly Histogram<long> StepsToTolerance = RsrNetTelemetry.Meter.CreateHistogram(
        "rsrnet.documents.convergence.steps", "{step}", "Steps of the run that brought a document below the tolerance.", advice: RsrNetTelemetry.Counts);

    private static readonly Counter<long> Finished = RsrNetTelemetry.Meter.CreateCounter<long>(
        "rsrnet.documents.finished", "{document}", "Runs of refinement that came to an end, by how they ended.");

    private static readonly Gauge<long> Stored = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.documents.stored", "{document}", "Documents in the store by status.");

    private static readonly Gauge<long> Backlog = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.documents.backlog", "{document}", "Documents that wait for refinement to begin or to end.");

    private static readonly Gauge<long> StoreSize = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.documents.store.size", "By", "Bytes of the data folder: documents and weights.");

    public static void OnStepped(TrajectoryPoint step, bool trained)
    {
        Steps.Add(1, trained ? Trained : Refined);
        Residual.Record(step.ResidualY, OfY);
        Residual.Record(step.ResidualZ, OfZ);
        Confidence.Record(step.Confidence);
    }

    /// <param name="steps">Of the run that came to rest.</param>
    public static void OnConverged(int steps) => StepsToTolerance.Record(steps);

    public static void OnFinished(DocumentStatus status) => Finished.Add(1, Tag(status));

    public static void OnCounted(DocumentCounts counts)
    {
        Stored.Record(counts.Pending, Tag(DocumentStatus.Pending));
        Stored.Record(counts.Refining, Tag(DocumentStatus.Refining));
        Stored.Record(counts.Converged, Tag(DocumentStatus.Converged));
        Stored.Record(counts.Exhausted, Tag(DocumentStatus.Exhausted));
        Stored.Record(counts.Failed, Tag(DocumentStatus.Failed));
        Backlog.Record(counts.Unfinished);
    }

    /// <param name="bytes">Of the store on its disk.</param>
    public static void OnStoreMeasured(long bytes) => StoreSize.Record(bytes);

    private static KeyValuePair<string, object?> Tag(DocumentStatus status) => new(Status, status switch
    {
        DocumentStatus.Pending => "pending",
        DocumentStatus.Refining => "refining",
        DocumentStatus.Converged => "converged",
        DocumentStatus.Exhausted => "exhausted",
        _ => "failed",
    });
}
