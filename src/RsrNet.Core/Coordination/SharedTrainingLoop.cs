using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>Training with several replicas: takes in what they have learned, and gives those that are free new documents; refinement goes on beside them.</summary>
/// <param name="group">Disposed with this.</param>
/// <param name="replica">The learner's own, which scores where no replica could.</param>
/// <param name="wake">Called, from any thread, when there is something to take in.</param>
internal sealed class SharedTrainingLoop(
    RsrNetOptions options, LabelledDocuments labelled, ActiveDocuments documents, DriftReaction drift, ReplicaGroup group, Replica replica, Coordinator coordinator,
    CheckpointSchedule schedule, LearnerTelemetry telemetry, TimeProvider time, Action wake) : ITrainingLoop
{
    private long scheduledVersion = coordinator.Version;

    public TimeSpan? DueIn => group.HasRoom ? labelled.DueIn : null; // a replica that gets free calls

    public long? LastUpdateAt { get; private set; }

    public int UpdatesAhead => group.UpdatesAhead;

    public bool LearnIfDue(Func<int, bool> mayBegin)
    {
        MarkLearned();
        var ended = group.TakeEnded();
        ended.ForEach(flight => Conclude(flight));
        var begun = false;
        while (group.HasRoom && labelled.IsDue && mayBegin(group.UpdatesAhead))
        {
            var batch = labelled.Take(group.Room);
            if (batch.Count == 0) continue;
            Begin(batch);
            begun = true;
        }
        return begun || ended.Count > 0;
    }

    public async Task<BatchReport> Learn(List<ActiveDocument> batch)
    {
        List<BatchReport> reports = [];
        // Local steps are the one mode in which batches have a size of their own.
        var most = options.Coordination.Mode == CoordinationMode.LocalSteps ? group.Room : batch.Count;
        for (var from = 0; from < batch.Count; from += most)
        {
            Begin(batch.GetRange(from, Math.Min(most, batch.Count - from)));
            await group.Rest();
            MarkLearned();
            reports.AddRange(group.TakeEnded().ConvertAll(Conclude));
        }
        return reports.Count > 0 ? BatchReport.Join(reports) : BatchReport.Of(batch.Count, null, Predict(batch), coordinator.Version);
    }

    /// <summary>
    /// From its first applied gradient on a document counts as learned from, so that it is durable as such before a checkpoint that knows it: a slow
    /// replica that still works on it holds nobody up.
    /// </summary>
    public void MarkLearned()
    {
        foreach (var flight in group.Flights)
        {
            if (flight.IsMarked || flight.LearnedAt is not { } version) continue;
            flight.IsMarked = true;
            foreach (var taken in flight.Documents)
            {
                taken.Document = taken.Document with { LearnedAt = version };
                documents.Unsaved.Add(taken);
            }
        }
        scheduledVersion = Math.Min(scheduledVersion, coordinator.Version);
        if (scheduledVersion < coordinator.Version) LastUpdateAt = time.GetTimestamp();
        telemetry.OnUpdated(coordinator.Version - scheduledVersion);
        while (scheduledVersion < coordinator.Version) schedule.OnUpdate(++scheduledVersion);
    }

    public void OnReplaced(long version) => scheduledVersion = version;

    public async Task End()
    {
        await group.Rest();
        MarkLearned();
        foreach (var flight in group.TakeEnded())
        {
            if (flight.Outcome.IsCompletedSuccessfully) Conclude(flight);
        }
    }

    public void Dispose() => group.Dispose();

    private void Begin(List<ActiveDocument> batch)
    {
        if (labelled.Alone is { Gone: false, InTraining: false } alone) batch.Insert(0, alone);
        labelled.Alone = null;
        if (batch.Count == 1 && labelled.Replay.GuestsOf([batch[0].Document], 2).Count == 0)
        {
            labelled.Alone = batch[0];
            batch[0].AwaitsTraining = true;
            labelled.OnTrained(batch[0]);
            return;
        }
        foreach (var taken in batch)
        {
            taken.AwaitsTraining = true;
            taken.InTraining = true;
        }
        group.Begin(batch, rows => labelled.Replay.GuestsOf(rows, options.Coordination.MinimumBatch), wake);
    }

    /// <summary>Takes what came of a flight into the documents.</summary>
    private BatchReport Conclude(TrainingFlight flight)
    {
        var outcome = flight.Outcome.GetAwaiter().GetResult();
        telemetry.OnReplicaTrained(
            $"replica {flight.Seat.Replica}", flight.Documents.Count, options.Replicas.SupervisionSteps, flight.BegunAt, flight.Seat.Staleness, flight.Seat.Refused);
        foreach (var prediction in outcome.Predictions)
        {
            telemetry.OnPredicted(prediction.Similarity, prediction.Error);
            drift.OnJudged(prediction.Similarity);
        }
        foreach (var (taken, trained) in flight.Documents.Zip(outcome.Documents))
        {
            taken.AwaitsTraining = taken.InTraining = false;
            if (taken.Gone) continue;
            if (outcome.Late && flight.LearnedAt is null)
            {
                labelled.Await(taken);
                continue;
            }
            var steps = trained.Trajectory.Points.Where(point => point.Step > (taken.Document.State?.Step ?? 0));
            taken.Document = trained with { LearnedAt = taken.Document.LearnedAt };
            foreach (var step in steps)
            {
                telemetry.OnStepped(trained, step, trained: true);
                documents.Watchers.OnStep(trained.Id, step);
            }
            if (outcome.Loss is not null && trained.State?.Loss is not null) telemetry.OnLearned(taken.Document, flight.BegunAt);
            labelled.OnTrained(taken);
        }
        return BatchReport.Of(flight.Documents.Count, outcome.Loss, outcome.Predictions, coordinator.Version);
    }

    private Prediction[] Predict(List<ActiveDocument> batch)
    {
        var judged = batch.ConvertAll(taken => taken.Document);
        var current = group.Exchange.Current;
        replica.Load(current.Weights, current.Version);
        replica.Place(judged);
        var predictions = replica.Predict(judged, options.Replicas.SupervisionSteps);
        foreach (var prediction in predictions) telemetry.OnPredicted(prediction.Similarity, prediction.Error);
        return predictions;
    }
}
