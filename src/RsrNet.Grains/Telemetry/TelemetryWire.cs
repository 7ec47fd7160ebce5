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
    [Id(9)] public long StaleGradients;
    [Id(10)] public double StepsPerSecond;
    [Id(11)] public long Updates;
    [Id(12)] public double UpdatesPerSecond;
    [Id(13)] public long WeightVersion;
    [Id(14)] public long CheckpointVersion;
    [Id(15)] public DateTimeOffset? CheckpointAt;
    [Id(16)] public double? CheckpointSeconds;
    [Id(17)] public double UnsavedSeconds;
    [Id(18)] public double? Loss;
    [Id(19)] public double? PrequentialSimilarity;
    [Id(20)] public double? PrequentialError;
    [Id(21)] public double? ResidualY;
    [Id(22)] public double? ResidualZ;
    [Id(23)] public double? ResidualYAbsolute;
    [Id(24)] public double[]? ResidualPercentiles;
    [Id(25)] public int[] ConfidenceHistogram;
    [Id(26)] public double? StepsToTolerance;
    [Id(27)] public double? ConvergedShare;
    [Id(28)] public double? GradientNorm;
    [Id(29)] public double EmbeddingsPerSecond;
    [Id(30)] public double? EmbeddingSeconds;
    [Id(31)] public ReplicaSnapshotWire[] Replicas;
    [Id(32)] public string[] NormNames;
    [Id(33)] public double[] Norms;
    [Id(34)] public long? StoreBytes;
    [Id(35)] public string Encoder;
    [Id(36)] public string Mode;
    [Id(37)] public long Errors;
    [Id(38)] public string? Problem;
}

[RegisterConverter]
internal sealed class TelemetrySnapshotConverter : IConverter<TelemetrySnapshot, TelemetrySnapshotWire>
{
    public TelemetrySnapshot ConvertFromSurrogate(in TelemetrySnapshotWire surrogate)
    {
        var norms = surrogate.Norms;
        return new TelemetrySnapshot
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
            StepsPerSecond = surrogate.StepsPerSecond,
            Updates = surrogate.Updates,
            UpdatesPerSecond = surrogate.UpdatesPerSecond,
            WeightVersion = surrogate.WeightVersion,
            CheckpointVersion = surrogate.CheckpointVersion,
            CheckpointAt = surrogate.CheckpointAt,
            CheckpointSeconds = surrogate.CheckpointSeconds,
            UnsavedSeconds = surrogate.UnsavedSeconds,
            Loss = surrogate.Loss,
            PrequentialSimilarity = surrogate.PrequentialSimilarity,
            PrequentialError = surrogate.PrequentialError,
            ResidualY = surrogate.ResidualY,
            ResidualZ = surrogate.ResidualZ,
            ResidualYAbsolute = surrogate.ResidualYAbsolute,
            ResidualPercentiles = surrogate.ResidualPercentiles is [var p50, var p90, var p99] ? new ResidualPercentiles(p50, p90, p99) : null,
            ConfidenceHistogram = surrogate.ConfidenceHistogram,
            StepsToTolerance = surrogate.StepsToTolerance,
            ConvergedShare = surrogate.ConvergedShare,
            GradientNorm = surrogate.GradientNorm,
            EmbeddingsPerSecond = surrogate.EmbeddingsPerSecond,
            EmbeddingSeconds = surrogate.EmbeddingSeconds,
            Replicas = [.. surrogate.Replicas.Select(replica => replica.ToSnapshot())],
            ParameterNorms = surrogate.NormNames.Select((name, i) => KeyValuePair.Create(name, norms[i])).ToDictionary(),
            StoreBytes = surrogate.StoreBytes,
            Encoder = surrogate.Encoder,
            Mode = surrogate.Mode,
            Errors = surrogate.Errors,
            Problem = surrogate.Problem,
        };
    }

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
        StepsPerSecond = value.StepsPerSecond,
        Updates = value.Updates,
        UpdatesPerSecond = value.UpdatesPerSecond,
        WeightVersion = value.WeightVersion,
        CheckpointVersion = value.CheckpointVersion,
        CheckpointAt = value.CheckpointAt,
        CheckpointSeconds = value.CheckpointSeconds,
        UnsavedSeconds = value.UnsavedSeconds,
        Loss = value.Loss,
        PrequentialSimilarity = value.PrequentialSimilarity,
        PrequentialError = value.PrequentialError,
        ResidualY = value.ResidualY,
        ResidualZ = value.ResidualZ,
        ResidualYAbsolute = value.ResidualYAbsolute,
        ResidualPercentiles = value.ResidualPercentiles is { } percentiles ? [percentiles.P50, percentiles.P90, percentiles.P99] : null,
        ConfidenceHistogram = [.. value.ConfidenceHistogram],
        StepsToTolerance = value.StepsToTolerance,
        ConvergedShare = value.ConvergedShare,
        GradientNorm = value.GradientNorm,
        EmbeddingsPerSecond = value.EmbeddingsPerSecond,
        EmbeddingSeconds = value.EmbeddingSeconds,
        Replicas = [.. value.Replicas.Select(ReplicaSnapshotWire.Of)],
        NormNames = [.. value.ParameterNorms.Keys],
        Norms = [.. value.ParameterNorms.Values],
        StoreBytes = value.StoreBytes,
        Encoder = value.Encoder,
        Mode = value.Mode,
        Errors = value.Errors,
        Problem = value.Problem,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.replica-snapshot")]
internal struct ReplicaSnapshotWire
{
    [Id(0)] public string Name;
    [Id(1)] public string Silo;
    [Id(2)] public string Engine;
    [Id(3)] public double? BatchSize;
    [Id(4)] public double? TrainSeconds;
    [Id(5)] public double? RefineSeconds;
    [Id(6)] public double? Staleness;
    [Id(7)] public long Gradients;
    [Id(8)] public long RefusedGradients;
    [Id(9)] public double StepsPerSecond;

    public static ReplicaSnapshotWire Of(ReplicaSnapshot value) => new()
    {
        Name = value.Name,
        Silo = value.Silo,
        Engine = value.Engine,
        BatchSize = value.BatchSize,
        TrainSeconds = value.TrainSeconds,
        RefineSeconds = value.RefineSeconds,
        Staleness = value.Staleness,
        Gradients = value.Gradients,
        RefusedGradients = value.RefusedGradients,
        StepsPerSecond = value.StepsPerSecond,
    };

    public readonly ReplicaSnapshot ToSnapshot() =>
        new(Name, Silo, Engine, BatchSize, TrainSeconds, RefineSeconds, Staleness, Gradients, RefusedGradients, StepsPerSecond);
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
