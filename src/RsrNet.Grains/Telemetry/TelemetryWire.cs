using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;

namespace RsrNet.Grains.Telemetry;

[GenerateSerializer, Immutable, Alias("rsrnet.telemetry-snapshot")]
internal struct TelemetrySnapshotWire
{
    [Id(0)] public DateTimeOffset At;
    [Id(1)] public double Uptime;
    [Id(2)] public long Accepted;
    [Id(3)] public long Duplicates;
    [Id(4)] public double ArticlesPerSecond;
    [Id(5)] public DocumentCountsWire Documents;
    [Id(6)] public long Learned;
    [Id(7)] public long Steps;
    [Id(8)] public long RefusedGradients;
    [Id(9)] public long WeightVersion;
    [Id(10)] public long CheckpointVersion;
    [Id(11)] public double? Loss;
    [Id(12)] public double? PrequentialSimilarity;
    [Id(13)] public double? PrequentialError;
    [Id(14)] public double? ResidualY;
    [Id(15)] public double? ConvergedShare;
    [Id(16)] public string Encoder;
    [Id(17)] public string Mode;
    [Id(18)] public string? Problem;
    [Id(19)] public long StaleGradients;
}

[RegisterConverter]
internal sealed class TelemetrySnapshotConverter : IConverter<TelemetrySnapshot, TelemetrySnapshotWire>
{
    public TelemetrySnapshot ConvertFromSurrogate(in TelemetrySnapshotWire surrogate) => new()
    {
        At = surrogate.At,
        Uptime = surrogate.Uptime,
        Accepted = surrogate.Accepted,
        Duplicates = surrogate.Duplicates,
        ArticlesPerSecond = surrogate.ArticlesPerSecond,
        Documents = surrogate.Documents.ToCounts(),
        Learned = surrogate.Learned,
        Steps = surrogate.Steps,
        RefusedGradients = surrogate.RefusedGradients,
        StaleGradients = surrogate.StaleGradients,
        WeightVersion = surrogate.WeightVersion,
        CheckpointVersion = surrogate.CheckpointVersion,
        Loss = surrogate.Loss,
        PrequentialSimilarity = surrogate.PrequentialSimilarity,
        PrequentialError = surrogate.PrequentialError,
        ResidualY = surrogate.ResidualY,
        ConvergedShare = surrogate.ConvergedShare,
        Encoder = surrogate.Encoder,
        Mode = surrogate.Mode,
        Problem = surrogate.Problem,
    };

    public TelemetrySnapshotWire ConvertToSurrogate(in TelemetrySnapshot value) => new()
    {
        At = value.At,
        Uptime = value.Uptime,
        Accepted = value.Accepted,
        Duplicates = value.Duplicates,
        ArticlesPerSecond = value.ArticlesPerSecond,
        Documents = DocumentCountsWire.Of(value.Documents),
        Learned = value.Learned,
        Steps = value.Steps,
        RefusedGradients = value.RefusedGradients,
        StaleGradients = value.StaleGradients,
        WeightVersion = value.WeightVersion,
        CheckpointVersion = value.CheckpointVersion,
        Loss = value.Loss,
        PrequentialSimilarity = value.PrequentialSimilarity,
        PrequentialError = value.PrequentialError,
        ResidualY = value.ResidualY,
        ConvergedShare = value.ConvergedShare,
        Encoder = value.Encoder,
        Mode = value.Mode,
        Problem = value.Problem,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.document-counts")]
internal struct DocumentCountsWire
{
    [Id(0)] public long Pending;
    [Id(1)] public long Refining;
    [Id(2)] public long Converged;
    [Id(3)] public long Exhausted;
    [Id(4)] public long Failed;

    public static DocumentCountsWire Of(DocumentCounts counts) => new()
    {
        Pending = counts.Pending, Refining = counts.Refining, Converged = counts.Converged, Exhausted = counts.Exhausted, Failed = counts.Failed,
    };

    public readonly DocumentCounts ToCounts() => new(Pending, Refining, Converged, Exhausted, Failed);
}
