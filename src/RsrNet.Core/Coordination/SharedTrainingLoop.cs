using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>Training with several replicas: takes in what they have learned, and gives those that are free new documents; refinement goes on beside them.</summary>
/// <param name="group">Disposed with this.</param>
/// <param name="replica">The learner's own, which scores where no replica could.</param>
/// <param name="shadow">Null where no challenger learns beside.</param>
/// <param name="wake">Called, from any thread, when there is something to take in.</param>
internal sealed class SharedTrainingLoop(
    RsrNetOptions options, LabelledDocuments labelled, ActiveDocuments documents, ArticleReader reader, DriftReaction drift, ReplicaGroup group, Replica replica,
    LearnerWeights weights, CheckpointSchedule schedule, ShadowModel? shadow, LearnerTelemetry telemetry, TimeProvider time, Action wake) : ITrainingLoop
{
    private long scheduledVersion = weights.Version;

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
        return reports.Count > 0 ? BatchReport.Join(reports) : BatchReport.Of(batch.Count, null, Predict(batch), weights.Version);
    }

    /// <summary>
    /// From its first applied gradient on a document counts as learned from, so that it is durable as such before a checkpoint that knows it: a slow
    /// replica that still works on it holds nobody up.
    /// </summary>
    public void MarkLearned()
    {
        foreach (var flight in group.Flights) Mark(flight);
        var current = weights.Version;
        scheduledVersion = Math.Min(scheduledVersion, current);
        if (scheduledVersion == current) return;
        LastUpdateAt = time.GetTimestamp();
        telemetry.OnUpdated(current - scheduledVersion);
        telemetry.OnWeights(group.Exchange.Current.Weights);
        while (scheduledVersion < current) schedule.OnUpdate(++scheduledVersion);
        weights.Publish();
    }

    private void Mark(TrainingFlight flight)
    {
        if (flight.IsMarked || flight.LearnedAt is not { } version) return;
        flight.IsMarked = true;
        foreach (var taken in flight.Documents)
        {
            taken.Document = taken.Document with { LearnedAt = version };
            documents.Unsaved.Add(taken);
        }
    }

    public void OnReplaced(long version)
    {
        scheduledVersion = version;
        replica.Unload();
    }

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
        if (labelled.Reservoir is not null) batch = Readable(batch);
        else if (JoinAlone(batch)) return;
        if (batch.Count == 0) return;
        foreach (var taken in batch)
        {
            taken.AwaitsTraining = true;
            taken.InTraining = true;
        }
        group.Begin(batch, Complete, wake);
    }

    /// <summary>In the notebook's mode nobody is learned from alone.</summary>
    /// <returns>Whether the batch waits for the next document.</returns>
    private bool JoinAlone(List<ActiveDocument> batch)
    {
        if (labelled.Alone is { Gone: false, InTraining: false } alone) batch.Insert(0, alone);
        labelled.Alone = null;
        if (batch.Count > 1 || labelled.Replay.GuestsOf([batch[0].Document], 2).Count > 0) return false;
        labelled.Alone = batch[0];
        batch[0].AwaitsTraining = true;
        labelled.OnTrained(batch[0]);
        return true;
    }

    /// <summary>In the residual mode: those with sentences, read. One without has nothing to learn from, and is done with that.</summary>
    private List<ActiveDocument> Readable(List<ActiveDocument> batch)
    {
        foreach (var taken in batch) taken.Document = reader.Read(taken.Document);
        foreach (var taken in batch.FindAll(taken => taken.Document.Embedding!.Sentences!.Count == 0))
        {
            taken.Document = taken.Document with { LearnedAt = weights.Version };
            labelled.OnTrained(taken);
        }
        return batch.FindAll(taken => taken.Document.Embedding!.Sentences!.Count > 0);
    }

    private TrainingBatch Complete(IReadOnlyList<Document> rows)
    {
        if (labelled.Reservoir is not { } reservoir) return new TrainingBatch(rows, labelled.Replay.GuestsOf(rows, options.Coordination.MinimumBatch));
        var replays = new List<IReadOnlyList<Document>>();
        for (var replay = 0; replay < weights.Residual!.Replays; replay++)
        {
            if (reservoir.Draw(rows.Count) is { Count: > 0 } drawn) replays.Add(reader.Read(drawn.ConvertAll(reserved => reserved.Unpack())));
        }
        return new TrainingBatch(rows, []) { Replays = replays };
    }

    /// <summary>Takes what came of a flight into the documents.</summary>
    private BatchReport Conclude(TrainingFlight flight)
    {
        Mark(flight); // it may have been learned from and ended since the others were marked
        var outcome = flight.Outcome.GetAwaiter().GetResult();
        telemetry.OnReplicaTrained(
            $"replica {flight.Seat.Replica}", flight.Documents.Count, options.Recursion.SupervisionSteps, flight.BegunAt, flight.Seat.Staleness, flight.Seat.Refused);
        foreach (var prediction in outcome.Predictions)
        {
            telemetry.OnPredicted(prediction.Similarity, prediction.Error);
            drift.OnJudged(prediction.Similarity);
        }
        foreach (var summary in outcome.Summaries) telemetry.OnSummarized(summary.Learned, summary.Lead, summary.IsOpen);
        if (outcome.Summaries.Count > 0)
        {
            shadow?.OnJudged(
                [.. outcome.Documents.Select(ReadArticle.Of)], [.. outcome.Predictions.Select(prediction => (double)prediction.Similarity)],
                [.. outcome.Summaries.Select(summary => summary.Served)]);
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
                telemetry.OnStepped(trained, step, trained: labelled.Reservoir is null);
                documents.Watchers.OnStep(trained.Id, step);
            }
            if (outcome.Loss is not null && trained.State?.Loss is not null)
            {
                telemetry.OnLearned(taken.Document, flight.BegunAt);
                if (weights.Residual is { } learning) labelled.Keep(taken.Document, learning);
            }
            labelled.OnTrained(taken);
        }
        return BatchReport.Of(flight.Documents.Count, outcome.Loss, outcome.Predictions, weights.Version);
    }

    private Prediction[] Predict(List<ActiveDocument> batch)
    {
        if (labelled.Reservoir is not null) return []; // none of them had a sentence
        var judged = batch.ConvertAll(taken => taken.Document);
        var current = group.Exchange.Current;
        replica.Load(current.Weights, current.Version);
        replica.Place(judged);
        var predictions = replica.Predict(judged, options.Replicas.SupervisionSteps);
        foreach (var prediction in predictions) telemetry.OnPredicted(prediction.Similarity, prediction.Error);
        return predictions;
    }
}
