using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Training in the residual mode. A document is foretold with the served weights, and that is its first step of refinement; then the trained weights learn from
/// it and from some of the reservoir, and the regressions from how it was foretold. What refines documents is the average of the trained weights.
/// </summary>
/// <param name="replica">The learner's own, with the served weights and the trained ones by turns: both see an article with the same regressions.</param>
/// <param name="supervision">Over the replica's engine.</param>
/// <param name="shadow">Null where no challenger learns beside.</param>
internal sealed class ResidualTrainingLoop(
    RsrNetOptions options, LabelledDocuments labelled, ActiveDocuments documents, ArticleReader reader, DriftReaction drift, Replica replica,
    Supervision supervision, Coordinator coordinator, LearnerWeights weights, CheckpointSchedule schedule, ShadowModel? shadow, LearnerTelemetry telemetry, TimeProvider time)
    : ITrainingLoop
{
    private readonly Reservoir<ReservedDocument> reservoir = labelled.Reservoir!;
    private readonly PrequentialTest test = new(replica, options.Recursion.SupervisionSteps);

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

    public void OnReplaced(long version) => replica.Unload();

    public Task End() => Task.CompletedTask;

    public void Dispose()
    {
    }

    private BatchReport LearnFrom(List<ActiveDocument> batch)
    {
        var batchStart = time.GetTimestamp();
        foreach (var taken in batch) taken.Document = reader.Read(taken.Document);
        var readable = batch.FindAll(taken => taken.Document.Embedding!.Sentences!.Count > 0);
        var lessons = Judge(readable);
        float? loss = null;
        if (readable.Count > 0 && Train(readable.ConvertAll(taken => taken.Document.Afresh()), lessons) is { } own)
        {
            loss = own.Mean;
            foreach (var (taken, ofRow) in readable.Zip(own.Rows)) taken.Document = taken.Document.Learned(ofRow);
            var learning = coordinator.Residual!;
            readable.ForEach(taken => labelled.Keep(taken.Document, learning));
            for (var replay = 0; replay < learning.Replays; replay++)
            {
                if (reservoir.Draw(readable.Count) is { Count: > 0 } drawn) Train(reader.Read(drawn.ConvertAll(reserved => reserved.Unpack())), null);
            }
            LastUpdateAt = time.GetTimestamp();
        }
        telemetry.OnWeights(coordinator.Weights);
        weights.Publish();
        replica.Unload();
        foreach (var taken in batch)
        {
            // One without a sentence has nothing to learn from, and is done with that.
            taken.Document = taken.Document with { LearnedAt = coordinator.Version };
            if (taken.Document.State?.Loss is not null) telemetry.OnLearned(taken.Document, batchStart);
            labelled.OnTrained(taken);
        }
        return BatchReport.Of(
            batch.Count, loss, lessons.ConvertAll(lesson => new Prediction((float)lesson.Cosine, (float)lesson.Error)), coordinator.Version);
    }

    /// <summary>Test before training: what a reader was given of each document, and what is learned from that.</summary>
    private List<Lesson> Judge(List<ActiveDocument> batch)
    {
        var lessons = test.Judge(
            batch.ConvertAll(taken => taken.Document), coordinator.Served, coordinator.Version, coordinator.Residual!,
            (number, row) => documents.Record(batch[number], replica, row, trained: false, coordinator.Version));
        var isOpen = new ResidualStatistics(coordinator.Served).ReadoutOpen > 0;
        foreach (var lesson in lessons)
        {
            telemetry.OnPredicted(lesson.Cosine, lesson.Error);
            drift.OnJudged(lesson.Cosine);
            telemetry.OnSummarized(lesson.Learned, lesson.Lead, isOpen);
        }
        shadow?.OnJudged(
            batch.ConvertAll(taken => ReadArticle.Of(taken.Document)), lessons.ConvertAll(lesson => lesson.Cosine),
            lessons.ConvertAll(lesson => isOpen ? lesson.Learned : lesson.Lead));
        return lessons;
    }

    /// <summary>The supervision steps of one batch of the trained weights.</summary>
    /// <param name="rows">With sentences, from the beginning of their recursion.</param>
    /// <param name="lessons">What the regressions learn with it; null for articles of the reservoir.</param>
    /// <returns>The losses of the last step; null where no gradient could be used.</returns>
    private (float Mean, float[] Rows)? Train(IReadOnlyList<Document> rows, IReadOnlyList<Lesson>? lessons)
    {
        float? loss = null;
        var stepStart = time.GetTimestamp();
        replica.Place(rows);
        foreach (var step in replica.Train(supervision, lessons))
        {
            if (!step.Applied)
            {
                telemetry.OnGradientRefused();
                break;
            }
            loss = step.Loss;
            schedule.OnUpdate(step.Version);
            telemetry.OnUpdated(step, rows.Count, stepStart);
            stepStart = time.GetTimestamp();
        }
        return loss is { } mean ? (mean, replica.Batch.RowLoss[..rows.Count]) : null;
    }
}
