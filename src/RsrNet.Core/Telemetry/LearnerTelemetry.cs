using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Telemetry;

/// <summary>
/// Collects what happens in a learner, one method per event, and hands it on to the instruments of each stage. Safe to call from many threads.
/// </summary>
/// <param name="engine">Name of the engine that computes here, for people.</param>
/// <param name="silo">The part of a cluster that this is; null for a learner by itself.</param>
public sealed class LearnerTelemetry(TimeProvider time, string engine = "", string? silo = null)
{
    private const int Window = 200, Sample = 1000, ConfidenceBins = 20, KeptDrifts = 50;
    private static readonly TimeSpan NormEvery = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly long started = time.GetTimestamp();
    private readonly ArticleTraces traces = new(time);
    private readonly RateMeter articles = new(time), stepRate = new(time), updateRate = new(time), embeddingRate = new(time);
    private readonly SlidingMean loss = new(Window), similarity = new(Window), error = new(Window), copied = new(Window);
    private readonly SlidingMean served = new(Window), lead = new(Window);
    private readonly SlidingMean residual = new(Window), residualZ = new(Window), absoluteResidual = new(Window);
    private readonly SlidingMean gradientNorm = new(Window), embedding = new(Window), stepsToTolerance = new(Window);
    private readonly SlidingSample residuals = new(Sample), confidences = new(Sample);
    private readonly ReplicaFigures local = new(silo ?? "local", silo ?? Environment.MachineName, engine, time);
    private readonly SortedDictionary<string, ReplicaFigures> others = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> problems = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, double> norms = new(StringComparer.Ordinal);
    private readonly Queue<DriftEvent> drifts = new();
    private long accepted;
    private long duplicates;
    private long learned;
    private long steps;
    private long updates;
    private long refusedGradients;
    private long errors;
    private long? normsAt;
    private TimeSpan? checkpointTook;
    private DateTimeOffset? checkpointAt;

    /// <summary>What the events below take as the beginning of something.</summary>
    public long Timestamp() => time.GetTimestamp();

    /// <summary>Articles are about to be stored. To be disposed.</summary>
    public IngestTrace? OnIngesting(IReadOnlyList<Article> articles) => traces.Begin(articles);

    /// <param name="startedAt">Timestamp of the call's beginning.</param>
    /// <param name="trace"><see cref="OnIngesting"/>'s.</param>
    public void OnIngested(IReadOnlyList<PutOutcome> outcomes, long startedAt, IngestTrace? trace)
    {
        var elapsed = time.GetElapsedTime(startedAt);
        var repeated = outcomes.Count(outcome => outcome.Duplicate);
        ArticleInstruments.OnIngested(outcomes.Count - repeated, repeated, elapsed);
        trace?.End(outcomes);
        lock (gate)
        {
            duplicates += repeated;
            accepted += outcomes.Count - repeated;
            articles.Add(outcomes.Count - repeated);
        }
    }

    /// <summary>An article's vectors were made, or could not be (then the document has failed).</summary>
    /// <param name="startedAt">Timestamp of the beginning.</param>
    public void OnEmbedded(Document document, long startedAt)
    {
        var elapsed = time.GetElapsedTime(startedAt);
        EmbeddingInstruments.OnEmbedded(elapsed, document.Status == DocumentStatus.Failed);
        traces.OnStage(document.Id, "embedding encode", elapsed);
        lock (gate)
        {
            embeddingRate.Add(1);
            embedding.Add(elapsed.TotalSeconds);
        }
    }

    /// <summary>A labelled document was scored with the weights from before it was learned (test, then train).</summary>
    /// <param name="cosine">Of the prediction to t.</param>
    /// <param name="meanSquaredError">Of the prediction to t.</param>
    public void OnPredicted(double cosine, double meanSquaredError)
    {
        lock (gate)
        {
            // A prediction that ran away is wrong, and by no amount that a mean could bear.
            similarity.Add(double.IsFinite(cosine) ? cosine : 0);
            if (double.IsFinite(meanSquaredError)) error.Add(meanSquaredError);
        }
    }

    /// <summary>A labelled document's summary was scored before it was learned.</summary>
    /// <param name="learned">Mean of ROUGE-1 and -2 F1 of the learned readout's sentences.</param>
    /// <param name="first">The same of the first sentences.</param>
    /// <param name="isOpen">Whether the learned readout serves.</param>
    public void OnSummarized(double learned, double first, bool isOpen)
    {
        lock (gate)
        {
            served.Add(isOpen ? learned : first);
            lead.Add(first);
        }
    }

    /// <summary>A change of the stream was found.</summary>
    public void OnDrift(DriftEvent change)
    {
        CoordinationInstruments.OnDrift(change);
        lock (gate)
        {
            if (drifts.Count == KeptDrifts) drifts.Dequeue();
            drifts.Enqueue(change);
        }
    }

    /// <summary>A gradient was applied: a new weight version.</summary>
    /// <param name="documents">Rows of the batch.</param>
    /// <param name="startedAt">Timestamp of the step's beginning.</param>
    /// <param name="versionsBehind">How far the weights had moved on since the gradient's were read.</param>
    public void OnUpdated(SupervisionStep step, int documents, long startedAt, long versionsBehind = 0)
    {
        var elapsed = time.GetElapsedTime(startedAt);
        ReplicaInstruments.OnStepped(local.Name, trained: true, documents, elapsed);
        ReplicaInstruments.OnGradient(local.Name, versionsBehind);
        CoordinationInstruments.OnUpdated(step.GradientNorm);
        lock (gate)
        {
            updates++;
            updateRate.Add(1);
            gradientNorm.Add(step.GradientNorm);
            local.OnTrained(documents, elapsed, versionsBehind);
        }
    }

    /// <summary>Gradients of several replicas were applied: so many new weight versions.</summary>
    public void OnUpdated(long versions)
    {
        if (versions <= 0) return;
        CoordinationInstruments.OnUpdated(versions);
        lock (gate)
        {
            updates += versions;
            updateRate.Add(versions);
        }
    }

    /// <summary>One replica of several has gone through its part of the training.</summary>
    /// <param name="replica">Its name.</param>
    /// <param name="steps">Supervision steps of it; at least 1.</param>
    /// <param name="startedAt">Timestamp of the beginning.</param>
    /// <param name="staleness">For each of its applied gradients, how far the weights had moved on since those it was computed with; null where only others know.</param>
    /// <param name="refused">Gradients of it that were too old to be applied.</param>
    public void OnReplicaTrained(
        string replica, int documents, int steps, long startedAt, IReadOnlyList<long>? staleness = null, int refused = 0)
    {
        staleness ??= [];
        var each = time.GetElapsedTime(startedAt) / steps;
        ReplicaInstruments.OnStepped(replica, trained: true, documents, each);
        foreach (var versions in staleness) ReplicaInstruments.OnGradient(replica, versions);
        for (var i = 0; i < refused; i++) CoordinationInstruments.OnGradientRefused();
        lock (gate)
        {
            if (!others.TryGetValue(replica, out var figures)) others.Add(replica, figures = new ReplicaFigures(replica, silo ?? Environment.MachineName, engine, time));
            for (var step = 0; step < steps; step++) figures.OnTrained(documents, each, step < staleness.Count ? staleness[step] : null);
            for (var i = 0; i < refused; i++) figures.OnRefused();
        }
    }

    /// <summary>A batch went through one step of refinement without learning.</summary>
    public void OnRefined(int documents, long startedAt)
    {
        var elapsed = time.GetElapsedTime(startedAt);
        ReplicaInstruments.OnStepped(local.Name, trained: false, documents, elapsed);
        lock (gate) local.OnRefined(documents, elapsed);
    }

    /// <summary>A labelled document was learned from.</summary>
    /// <param name="document">With the state and the version that came of it.</param>
    /// <param name="startedAt">Timestamp of its batch's beginning.</param>
    public void OnLearned(Document document, long startedAt)
    {
        CoordinationInstruments.OnLearned();
        traces.OnStage(document.Id, "coordination learn", time.GetElapsedTime(startedAt), new KeyValuePair<string, object?>("rsrnet.weights.version", document.LearnedAt));
        lock (gate)
        {
            learned++;
            loss.Add(document.State!.Loss!.Value);
            if (document.Embedding is { T: { } t, X: var x }) copied.Add(VectorMath.Cosine(x, t));
        }
    }

    /// <summary>A document went one supervision step further.</summary>
    /// <param name="document">As it is now; it may have gone further steps since.</param>
    /// <param name="trained">Whether the step was one of learning.</param>
    public void OnStepped(Document document, TrajectoryPoint step, bool trained)
    {
        var state = document.State!;
        var isLast = state.Step == step.Step;
        DocumentInstruments.OnStepped(step, trained);
        // The length of y times the relative residual is how far y moved.
        var moved = isLast ? step.ResidualY * VectorMath.Norm(state.Y) : float.NaN;
        lock (gate)
        {
            steps++;
            stepRate.Add(1);
            residual.Add(step.ResidualY);
            residualZ.Add(step.ResidualZ);
            // A document that ran away has a length beyond single precision; it must not take the mean with it.
            if (float.IsFinite(moved)) absoluteResidual.Add(moved);
            residuals.Add(step.ResidualY);
            confidences.Add(step.Confidence);
        }
    }

    /// <summary>A run of refinement came to an end: converged, exhausted or failed.</summary>
    public void OnFinished(Document document)
    {
        DocumentInstruments.OnFinished(document.Status);
        traces.OnStage(document.Id, "replicas refine", TimeSpan.Zero,
            new("rsrnet.document.status", document.Status.ToString()), new("rsrnet.document.step", document.State?.Step));
        traces.OnFinished(document.Id);
        if (document.Status != DocumentStatus.Converged) return;
        var needed = document.State!.Step - document.RunStart;
        DocumentInstruments.OnConverged(needed);
        lock (gate) stepsToTolerance.Add(needed);
    }

    public void OnGradientRefused()
    {
        CoordinationInstruments.OnGradientRefused();
        lock (gate)
        {
            refusedGradients++;
            local.OnRefused();
        }
    }

    /// <summary>Looks at the weights, once a second at most. Called by whoever may read them then.</summary>
    public void OnWeights(RecursionWeights weights)
    {
        lock (gate)
        {
            if (normsAt is { } at && time.GetElapsedTime(at) < NormEvery) return;
            normsAt = time.GetTimestamp();
            foreach (var slot in weights.Layout.Parameters)
            {
                norms[slot.Name] = VectorMath.Norm(slot.Of(weights.Parameters));
                WeightInstruments.OnNorm(slot.Name, norms[slot.Name]);
            }
        }
    }

    /// <param name="elapsed">From the decision to write to a durable file.</param>
    public void OnCheckpointed(TimeSpan elapsed)
    {
        WeightInstruments.OnCheckpointed(elapsed);
        lock (gate)
        {
            checkpointTook = elapsed;
            checkpointAt = time.GetUtcNow();
        }
    }

    /// <summary>Something fails and is tried again; it shows until <see cref="OnRecovered"/> of the same part.</summary>
    public void OnProblem(string part, string message)
    {
        lock (gate)
        {
            if (!problems.TryGetValue(part, out var known) || known != message) errors++;
            problems[part] = message;
        }
    }

    public void OnRecovered(string part)
    {
        lock (gate) problems.Remove(part);
    }

    /// <param name="unsavedAge">How long the oldest update that is in no checkpoint has been waiting.</param>
    public TelemetrySnapshot Read(
        DocumentCounts documents, long weightVersion, long checkpointVersion, string encoder, string mode, TimeSpan unsavedAge = default) =>
        Read(documents, weightVersion, checkpointVersion, encoder, mode, unsavedAge, null);

    /// <param name="regressions">Of the version that serves; null in the notebook's mode.</param>
    internal TelemetrySnapshot Read(
        DocumentCounts documents, long weightVersion, long checkpointVersion, string encoder, string mode, TimeSpan unsavedAge,
        ServedRegressions? regressions)
    {
        var finished = documents.Converged + documents.Exhausted;
        DocumentInstruments.OnCounted(documents);
        WeightInstruments.OnRead(weightVersion, checkpointVersion, unsavedAge);
        lock (gate)
        {
            var percentiles = residuals.Percentiles(0.5, 0.9, 0.99);
            var snapshot = new TelemetrySnapshot
            {
                At = time.GetUtcNow(),
                Uptime = time.GetElapsedTime(started).TotalSeconds,
                Accepted = accepted,
                Duplicates = duplicates,
                ArticlesPerSecond = articles.PerSecond,
                Documents = documents,
                Learned = learned,
                Steps = steps,
                StepsPerSecond = stepRate.PerSecond,
                Updates = updates,
                UpdatesPerSecond = updateRate.PerSecond,
                RefusedGradients = refusedGradients,
                WeightVersion = weightVersion,
                CheckpointVersion = checkpointVersion,
                CheckpointAt = checkpointAt,
                CheckpointSeconds = checkpointTook?.TotalSeconds,
                UnsavedSeconds = unsavedAge.TotalSeconds,
                Loss = loss.Value,
                PrequentialSimilarity = similarity.Value,
                PrequentialError = error.Value,
                PrequentialCopySimilarity = copied.Value,
                PrequentialRouge = served.Value,
                PrequentialLeadRouge = lead.Value,
                Drifts = [.. drifts],
                ResidualY = residual.Value,
                ResidualZ = residualZ.Value,
                ResidualYAbsolute = absoluteResidual.Value,
                ResidualPercentiles = percentiles.Length == 0 ? null : new ResidualPercentiles(percentiles[0], percentiles[1], percentiles[2]),
                ConfidenceHistogram = confidences.Histogram(ConfidenceBins),
                StepsToTolerance = stepsToTolerance.Value,
                ConvergedShare = finished > 0 ? (double)documents.Converged / finished : null,
                GradientNorm = gradientNorm.Value,
                EmbeddingsPerSecond = embeddingRate.PerSecond,
                EmbeddingSeconds = embedding.Value,
                Replicas = [local.Read(), .. others.Values.Select(figures => figures.Read())],
                ParameterNorms = new Dictionary<string, double>(norms),
                Encoder = encoder,
                Mode = mode,
                Errors = errors,
                Problem = problems.Count > 0 ? string.Join("; ", problems.Values) : null,
            }.With(regressions);
            CoordinationInstruments.OnRead(snapshot);
            return snapshot;
        }
    }
}
