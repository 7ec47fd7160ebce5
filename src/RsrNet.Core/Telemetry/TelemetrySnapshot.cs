using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Telemetry;

/// <summary>The numbers people watch, at one moment.</summary>
public sealed record TelemetrySnapshot
{
    public required DateTimeOffset At { get; init; }

    /// <summary>Seconds since the learner started.</summary>
    public required double Uptime { get; init; }

    /// <summary>Articles accepted since the start (duplicates not counted).</summary>
    public required long Accepted { get; init; }

    public required long Duplicates { get; init; }

    /// <summary>Accepted articles a second, over the last ten seconds.</summary>
    public required double ArticlesPerSecond { get; init; }

    public required DocumentCounts Documents { get; init; }

    /// <summary>Labelled documents learned from since the start.</summary>
    public required long Learned { get; init; }

    /// <summary>Document supervision steps since the start, training and refinement.</summary>
    public required long Steps { get; init; }

    /// <summary>Gradients that were not finite and left the weights as they were, since the start.</summary>
    public required long RefusedGradients { get; init; }

    /// <summary>Gradients that came too late for the staleness bound and were computed anew, since the start.</summary>
    public long StaleGradients { get; init; }

    /// <summary>Document supervision steps a second, over the last ten seconds.</summary>
    public double StepsPerSecond { get; init; }

    /// <summary>Gradients applied since the start.</summary>
    public long Updates { get; init; }

    /// <summary>Gradients applied a second, over the last ten seconds.</summary>
    public double UpdatesPerSecond { get; init; }

    public required long WeightVersion { get; init; }

    /// <summary>The version of the newest durable checkpoint.</summary>
    public required long CheckpointVersion { get; init; }

    /// <summary>When this process wrote its last checkpoint; null before the first.</summary>
    public DateTimeOffset? CheckpointAt { get; init; }

    /// <summary>How long writing it took, in seconds.</summary>
    public double? CheckpointSeconds { get; init; }

    /// <summary>Seconds that the oldest update which is in no checkpoint has been waiting; 0 where all are.</summary>
    public double UnsavedSeconds { get; init; }

    /// <summary>Training loss, mean over the last 200 labelled documents; null before the first.</summary>
    public double? Loss { get; init; }

    /// <summary>Cosine of the prediction made before learning to t, mean over the last 200 labelled documents; null before the first.</summary>
    public double? PrequentialSimilarity { get; init; }

    /// <summary>Mean squared error of that prediction to t, over the same documents; null before the first.</summary>
    public double? PrequentialError { get; init; }

    /// <summary>Cosine of the article's own embedding x to t, mean over the last 200 documents learned from: the baseline that a prediction has to beat; null before the first.</summary>
    public double? PrequentialCopySimilarity { get; init; }

    /// <summary>
    /// Mean of ROUGE-1 and -2 F1 of the summaries as served, over the last 200 labelled documents before they were learned; null before the first, and in
    /// the notebook's mode.
    /// </summary>
    public double? PrequentialRouge { get; init; }

    /// <summary>The same of the articles' first three sentences.</summary>
    public double? PrequentialLeadRouge { get; init; }

    /// <summary>Which readout serves: <c>learned</c> or <c>lead</c>; null in the notebook's mode, whose is <c>nearest</c>.</summary>
    public string? Readout { get; init; }

    /// <summary>Mean gain of the learned readout over the first sentences in its window, whether it serves or not; null in the notebook's mode.</summary>
    public double? ReadoutGain { get; init; }

    /// <summary>How q, the probability that a document's cosine is above the median, has done over the last 500 labelled documents; null before the first.</summary>
    public Calibration? Calibration { get; init; }

    /// <summary>Changes of the stream that were found since the start, the latest 50, oldest first. A fall is a drift; a rise is the model that learns.</summary>
    public IReadOnlyList<DriftEvent> Drifts { get; init; } = [];

    /// <summary>Residual y, mean over the last 200 document steps; null before the first.</summary>
    public double? ResidualY { get; init; }

    /// <summary>Residual z, likewise.</summary>
    public double? ResidualZ { get; init; }

    /// <summary>||y_k - y_{k-1}||, not divided by anything; likewise.</summary>
    public double? ResidualYAbsolute { get; init; }

    /// <summary>Residual y over the last 1000 document steps; null before the first.</summary>
    public ResidualPercentiles? ResidualPercentiles { get; init; }

    /// <summary>How many of the last 1000 values of q lie in which twentieth of [0, 1].</summary>
    public IReadOnlyList<int> ConfidenceHistogram { get; init; } = [];

    /// <summary>Steps of a run that brought a document below the tolerance, mean over the last 200; null before the first.</summary>
    public double? StepsToTolerance { get; init; }

    /// <summary>Share of finished documents that converged, in [0, 1]; null before the first.</summary>
    public double? ConvergedShare { get; init; }

    /// <summary>Norm of the gradient before clipping, mean over the last 200 updates; null before the first.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>Articles embedded a second, over the last ten seconds.</summary>
    public double EmbeddingsPerSecond { get; init; }

    /// <summary>Seconds to embed one article, mean over the last 200; null before the first.</summary>
    public double? EmbeddingSeconds { get; init; }

    /// <summary>Who computes, by name.</summary>
    public IReadOnlyList<ReplicaSnapshot> Replicas { get; init; } = [];

    /// <summary>The text models that learn in this process, by name.</summary>
    public IReadOnlyList<ModelSnapshot> Models { get; init; } = [];

    /// <summary>Norm of each parameter tensor, by PyTorch's names; at most a second behind learning. Empty before the first update.</summary>
    public IReadOnlyDictionary<string, double> ParameterNorms { get; init; } = new Dictionary<string, double>();

    /// <summary>Bytes of the store with its checkpoints; null where it is not known.</summary>
    public long? StoreBytes { get; init; }

    public required string Encoder { get; init; }

    public required string Mode { get; init; }

    /// <summary>Failures of the store, of checkpoints and the like since the start; those of one message in a row count once.</summary>
    public long Errors { get; init; }

    /// <summary>The last failure of the store or of a checkpoint that still holds; null when all is well.</summary>
    public string? Problem { get; init; }

    /// <summary>This snapshot with what the regressions of the served weights say; null leaves it as it is.</summary>
    internal TelemetrySnapshot With(ServedRegressions? regressions) => regressions is null ? this : this with
    {
        Calibration = regressions.Judged == 0 ? null : regressions.Calibration,
        ReadoutGain = regressions.ReadoutGain,
        Readout = regressions.ReadoutOpen ? SentenceReadout.Learned : SentenceReadout.Lead,
    };

    /// <summary>
    /// This snapshot, a coordinator's, with what the silos of its cluster have counted: counts and rates added up, means as means over the silos that have any.
    /// </summary>
    public TelemetrySnapshot With(IReadOnlyList<TelemetrySnapshot> silos)
    {
        TelemetrySnapshot[] all = [this, .. silos];
        var percentiles = all.Select(one => one.ResidualPercentiles).OfType<ResidualPercentiles>().ToArray();
        return this with
        {
            Accepted = all.Sum(one => one.Accepted),
            Duplicates = all.Sum(one => one.Duplicates),
            ArticlesPerSecond = all.Sum(one => one.ArticlesPerSecond),
            Learned = all.Sum(one => one.Learned),
            Steps = all.Sum(one => one.Steps),
            StepsPerSecond = all.Sum(one => one.StepsPerSecond),
            Errors = all.Sum(one => one.Errors),
            Loss = Mean(one => one.Loss),
            PrequentialCopySimilarity = Mean(one => one.PrequentialCopySimilarity),
            ResidualY = Mean(one => one.ResidualY),
            ResidualZ = Mean(one => one.ResidualZ),
            ResidualYAbsolute = Mean(one => one.ResidualYAbsolute),
            StepsToTolerance = Mean(one => one.StepsToTolerance),
            EmbeddingsPerSecond = all.Sum(one => one.EmbeddingsPerSecond),
            EmbeddingSeconds = Mean(one => one.EmbeddingSeconds),
            ResidualPercentiles = percentiles.Length == 0
                ? null
                : new ResidualPercentiles(percentiles.Average(one => one.P50), percentiles.Average(one => one.P90), percentiles.Average(one => one.P99)),
            ConfidenceHistogram = [.. all.Select(one => one.ConfidenceHistogram).Where(bins => bins.Count > 0)
                .Aggregate((IEnumerable<int>)[], (sum, bins) => sum.Any() ? sum.Zip(bins, (a, b) => a + b) : bins)],
            Replicas = [.. silos.SelectMany(one => one.Replicas)],
            Problem = all.Select(one => one.Problem).OfType<string>().Distinct().ToArray() is { Length: > 0 } problems ? string.Join("; ", problems) : null,
        };

        double? Mean(Func<TelemetrySnapshot, double?> value) => all.Select(value).Where(one => one is not null).Average();
    }
}

/// <param name="P50">Half of the values are at most this.</param>
/// <param name="P90">Nine in ten are.</param>
/// <param name="P99">Ninety-nine in a hundred are.</param>
public sealed record ResidualPercentiles(double P50, double P90, double P99);
