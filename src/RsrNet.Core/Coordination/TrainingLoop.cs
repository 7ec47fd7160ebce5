using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>Training with the learner's own replica: a batch is scored, learned from and handed to refinement within one turn.</summary>
internal sealed class TrainingLoop(
    RsrNetOptions options, LabelledDocuments labelled, ActiveDocuments documents, DriftReaction drift, Replica replica, Supervision supervision, Coordinator coordinator,
    CheckpointSchedule schedule, LearnerTelemetry telemetry, TimeProvider time) : ITrainingLoop
{
    public TimeSpan? DueIn => labelled.DueIn;

    public long? LastUpdateAt { get; private set; }

    public int UpdatesAhead => 0;

    public bool LearnIfDue(Func<int, bool> mayBegin)
    {
        if (!labelled.IsDue) return false;
        var batch = labelled.Take(options.Coordination.BatchSize);
        if (batch.Count > 0) LearnFrom(batch);
        return true;
    }

    public Task<BatchReport> Learn(List<ActiveDocument> batch) => Task.FromResult(LearnFrom(batch));

    public void MarkLearned()
    {
    }

    public void OnReplaced(long version)
    {
    }

    public Task End() => Task.CompletedTask;

    public void Dispose()
    {
    }

    /// <summary>Test, then train: scores the documents with the weights from before, then does the supervision steps of the batch.</summary>
    private BatchReport LearnFrom(List<ActiveDocument> batch)
    {
        var predictions = Predict(batch.ConvertAll(taken => taken.Document));
        if (labelled.Alone is { Gone: false } alone) batch.Insert(0, alone);
        var rows = batch.ConvertAll(taken => taken.Document);
        labelled.Replay.Join(rows, options.Coordination.MinimumBatch);
        var loss = rows.Count > 1 ? Train(batch, rows) : null;
        labelled.Alone = rows.Count == 1 ? batch[0] : null;
        foreach (var taken in batch)
        {
            taken.AwaitsTraining = taken == labelled.Alone;
            labelled.OnTrained(taken);
        }
        return BatchReport.Of(batch.Count, loss, predictions, coordinator.Version);
    }

    /// <summary>What a reader would have been given of the documents before they were learned from.</summary>
    private Prediction[] Predict(List<Document> judged)
    {
        replica.Load(coordinator.Weights, coordinator.Version);
        replica.Place(judged);
        var predictions = replica.Predict(judged, options.Replicas.SupervisionSteps);
        for (var i = 0; i < predictions.Length; i++)
        {
            predictions[i] = predictions[i].OrForetold(judged[i]);
            telemetry.OnPredicted(predictions[i].Similarity, predictions[i].Error);
            drift.OnJudged(predictions[i].Similarity);
        }
        return predictions;
    }

    /// <summary>The supervision steps of one batch; each is a new weight version and a step of every document in it.</summary>
    /// <param name="batch">The documents that are learned from.</param>
    /// <param name="rows">The same, and whoever joins them.</param>
    /// <returns>The loss of the last step; null where no gradient could be used.</returns>
    private float? Train(List<ActiveDocument> batch, List<Document> rows)
    {
        float? loss = null;
        var batchStart = time.GetTimestamp();
        var stepStart = batchStart;
        replica.Place(rows);
        foreach (var step in replica.Train(supervision))
        {
            if (!step.Applied)
            {
                telemetry.OnGradientRefused();
                break;
            }
            loss = step.Loss;
            schedule.OnUpdate(step.Version);
            telemetry.OnUpdated(step, rows.Count, stepStart);
            for (var row = 0; row < batch.Count; row++) documents.Record(batch[row], replica, row, trained: true, step.Version);
            stepStart = time.GetTimestamp();
        }
        telemetry.OnWeights(coordinator.Weights);
        if (loss is null) return null;
        LastUpdateAt = time.GetTimestamp();
        foreach (var taken in batch)
        {
            taken.Document = taken.Document with { LearnedAt = coordinator.Version };
            telemetry.OnLearned(taken.Document, batchStart);
        }
        return loss;
    }
}
