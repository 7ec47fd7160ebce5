using RsrNet.Core.Documents;

namespace RsrNet.Core.Telemetry;

/// <summary>Collects what happens in a learner: one method per event. Safe to call from many threads.</summary>
public sealed class LearnerTelemetry(TimeProvider time)
{
    private const int Window = 200;
    private readonly Lock gate = new();
    private readonly long started = time.GetTimestamp();
    private readonly RateMeter articles = new(time);
    private readonly SlidingMean loss = new(Window);
    private readonly SlidingMean similarity = new(Window);
    private readonly SlidingMean error = new(Window);
    private readonly SlidingMean residual = new(Window);
    private readonly SortedDictionary<string, string> problems = new(StringComparer.Ordinal);
    private long accepted;
    private long duplicates;
    private long learned;
    private long steps;
    private long refusedGradients;

    public void OnIngested(IReadOnlyList<PutOutcome> outcomes)
    {
        var repeated = outcomes.Count(outcome => outcome.Duplicate);
        lock (gate)
        {
            duplicates += repeated;
            accepted += outcomes.Count - repeated;
            articles.Add(outcomes.Count - repeated);
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

    /// <summary>A labelled document was learned from.</summary>
    /// <param name="rowLoss">Its loss at the last supervision step.</param>
    public void OnLearned(double rowLoss)
    {
        lock (gate)
        {
            learned++;
            loss.Add(rowLoss);
        }
    }

    public void OnStepped(float residualY)
    {
        lock (gate)
        {
            steps++;
            residual.Add(residualY);
        }
    }

    public void OnGradientRefused()
    {
        lock (gate) refusedGradients++;
    }

    /// <summary>Something fails and is tried again; it shows until <see cref="OnRecovered"/> of the same part.</summary>
    public void OnProblem(string part, string message)
    {
        lock (gate) problems[part] = message;
    }

    public void OnRecovered(string part)
    {
        lock (gate) problems.Remove(part);
    }

    public TelemetrySnapshot Read(DocumentCounts documents, long weightVersion, long checkpointVersion, string encoder, string mode)
    {
        var finished = documents.Converged + documents.Exhausted;
        lock (gate)
        {
            return new TelemetrySnapshot
            {
                At = time.GetUtcNow(),
                Uptime = time.GetElapsedTime(started).TotalSeconds,
                Accepted = accepted,
                Duplicates = duplicates,
                ArticlesPerSecond = articles.PerSecond,
                Documents = documents,
                Learned = learned,
                Steps = steps,
                RefusedGradients = refusedGradients,
                WeightVersion = weightVersion,
                CheckpointVersion = checkpointVersion,
                Loss = loss.Value,
                PrequentialSimilarity = similarity.Value,
                PrequentialError = error.Value,
                ResidualY = residual.Value,
                ConvergedShare = finished > 0 ? (double)documents.Converged / finished : null,
                Encoder = encoder,
                Mode = mode,
                Problem = problems.Count > 0 ? string.Join("; ", problems.Values) : null,
            };
        }
    }
}
