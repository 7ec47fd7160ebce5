using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>
/// A replica that learns with others: scores its batch, computes gradients on its device's thread, and brings them to the exchange. One order at a time: another
/// waits, such as the first of a coordinator that took over while this one still brings something to the one before.
/// </summary>
/// <remarks>
/// In the notebook's mode a supervision step is a step of the document, too. In the residual mode the prediction is the document's step, and learning goes on
/// from the beginning of its recursion; what the batch teaches the regressions goes with its first gradient.
/// </remarks>
/// <param name="engine">Its own; disposed with it.</param>
/// <param name="thread">Does the arithmetic; not disposed.</param>
public sealed class TrainingReplica(IRecursionEngine engine, ComputeThread thread, RsrNetOptions options, TimeProvider time) : IDisposable
{
    private readonly Replica replica = new(engine);
    private readonly RecursionWeights statistics = new(engine.Shape);
    private readonly SemaphoreSlim oneAtATime = new(1, 1);

    private bool IsResidual => engine.Shape.Mode == LearningMode.Residual;

    private int Steps => options.Recursion.SupervisionSteps;

    /// <summary>Learns from the order's documents until all steps are done, or the exchange wants no more of it.</summary>
    public async Task<TrainingOutcome> Train(TrainingOrder order, IGradientExchange exchange)
    {
        await oneAtATime.WaitAsync();
        try
        {
            var weights = await exchange.ReadWeights(0);
            if (weights.Term != order.Term) return Late(order);
            return await (options.Coordination.Mode == CoordinationMode.LocalSteps && options.Coordination.Replicas > 1
                ? TrainLocally(order, exchange, weights)
                : TrainTogether(order, exchange, weights));
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    public void Dispose()
    {
        replica.Dispose();
        oneAtATime.Dispose();
    }

    private static TrainingOutcome Late(TrainingOrder order) => new([.. order.Batches.SelectMany(batch => batch.Documents)], [], null, Late: true);

    /// <summary>Every supervision step is an update of the coordinator's weights.</summary>
    private async Task<TrainingOutcome> TrainTogether(TrainingOrder order, IGradientExchange exchange, PublishedWeights weights)
    {
        var batch = order.Batches.Single();
        var sequence = order.FirstSequence;
        var (newest, isOld) = (weights.Version, false);
        var judged = await thread.Run(() =>
        {
            replica.Unload();
            return Judge(batch.Documents, weights);
        });
        Document[] documents = [.. judged.Documents];
        var (loss, late) = await Supervise(batch.Rows, judged.Lessons, version =>
        {
            for (var row = 0; row < documents.Length; row++)
                documents[row] = IsResidual ? judged.Documents[row].Learned(replica.Batch.RowLoss[row]) : Stepped(documents[row], row, trained: true, version);
        });
        foreach (var replay in batch.Replays)
        {
            if (loss is null || late) break;
            (_, late) = await Supervise(replay, [], _ => { });
        }
        return new TrainingOutcome(documents, judged.Predictions, loss, late) { Summaries = judged.Summaries };

        async Task<(float? Loss, bool Late)> Supervise(IReadOnlyList<Document> learned, IReadOnlyList<Lesson> lessons, Action<long> onApplied)
        {
            float? last = null;
            await thread.Run(() => Place(learned));
            for (var step = 0; step < Steps; step++, sequence++)
            {
                ContributionAnswer answer;
                while (true)
                {
                    if (isOld) weights = await exchange.ReadWeights(newest);
                    if (weights.Term != order.Term) return (last, Late: true);
                    (isOld, var based) = (false, weights);
                    var contribution = await thread.Run(() => Gradient(based, order.Replica, sequence, step == 0 ? lessons : []));
                    answer = await Bring(contribution, exchange);
                    (isOld, newest) = (true, answer.Version);
                    if (answer.Reception != Reception.Stale)
                    {
                        if (answer.Reception is Reception.Applied or Reception.Repeated) last = contribution.Loss;
                        break;
                    }
                    replica.Rewind();
                }
                if (answer.Reception is not (Reception.Applied or Reception.Repeated)) return (last, answer.Reception == Reception.Late);
                onApplied(answer.Version);
                if (answer.Stop) break;
            }
            return (last, false);
        }
    }

    /// <summary>Learns batch by batch with weights of its own, and brings them once at the end.</summary>
    private async Task<TrainingOutcome> TrainLocally(TrainingOrder order, IGradientExchange exchange, PublishedWeights weights)
    {
        var local = Coordinator.OfReplica(weights, options.Coordination);
        var supervision = new Supervision(engine, local, options.Recursion);
        List<Document> documents = [];
        List<Prediction> predictions = [];
        List<SummaryJudgement> summaries = [];
        List<Lesson> lessons = [];
        var (rows, updates, confidence, late) = (0, 0, 0.0, false);
        foreach (var batch in order.Batches)
        {
            await thread.Run(() =>
            {
                // In the notebook's mode by what was learned locally so far; in the residual mode by what is served meanwhile.
                replica.Unload();
                var judged = Judge(batch.Documents, IsResidual ? weights : weights with { Weights = local.Weights, Served = local.Weights, Version = local.Version });
                predictions.AddRange(judged.Predictions);
                summaries.AddRange(judged.Summaries);
                Document[] stepped = [.. judged.Documents];
                var before = updates;
                Place(batch.Rows);
                foreach (var step in replica.Train(supervision))
                {
                    if (!step.Applied) break;
                    updates++;
                    for (var row = 0; row < stepped.Length; row++)
                    {
                        // Nobody else will ever see the weights between; what can be named is the version that they began with.
                        stepped[row] = IsResidual
                            ? judged.Documents[row].Learned(replica.Batch.RowLoss[row])
                            : Stepped(stepped[row], row, trained: true, weights.Version);
                    }
                    confidence = step.Confidence;
                }
                if (updates > before) lessons.AddRange(judged.Lessons);
                rows += batch.Rows.Count;
                documents.AddRange(stepped);
                foreach (var replay in batch.Replays)
                {
                    Place(replay);
                    foreach (var step in replica.Train(supervision))
                    {
                        if (!step.Applied) break;
                        updates++;
                    }
                }
                return true;
            });
        }
        if (updates > 0)
        {
            var part = new ContributionPart(order.Replica, order.FirstSequence, rows, updates, local.Loss!.Value, confidence);
            var answer = await Bring(Average(local, weights, part, lessons), exchange);
            if (answer.Reception is Reception.Applied or Reception.Repeated) return Outcome(documents, local.Loss);
            late = answer.Reception == Reception.Late;
        }
        return Outcome([.. order.Batches.SelectMany(batch => batch.Documents)], null);

        TrainingOutcome Outcome(IReadOnlyList<Document> after, float? loss) => new(after, predictions, loss, late) { Summaries = summaries };
    }

    /// <summary>What documents are before they are learned from: scored, and in the residual mode a step further.</summary>
    private JudgedDocuments Judge(IReadOnlyList<Document> documents, PublishedWeights weights)
    {
        if (!IsResidual)
        {
            replica.Load(weights.Served, weights.Version);
            replica.Place(documents);
            var predictions = replica.Predict(documents, Steps);
            return new JudgedDocuments(documents, [], [.. predictions.Select((prediction, row) => prediction.OrForetold(documents[row]))], []);
        }
        Document[] stepped = [.. documents];
        var lessons = new PrequentialTest(replica, Steps).Judge(
            documents, weights.Served, weights.Version, weights.Residual!,
            (number, row) => stepped[number] = Stepped(stepped[number], row, trained: false, weights.Version));
        var isOpen = new ResidualStatistics(weights.Served).ReadoutOpen > 0;
        return new JudgedDocuments(
            stepped, lessons, lessons.ConvertAll(lesson => new Prediction((float)lesson.Cosine, (float)lesson.Error)),
            lessons.ConvertAll(lesson => new SummaryJudgement(lesson.Learned, lesson.Lead, isOpen)));
    }

    private bool Place(IReadOnlyList<Document> rows)
    {
        replica.Place(IsResidual ? [.. rows.Select(document => document.Afresh())] : rows);
        return true;
    }

    private Document Stepped(Document document, int row, bool trained, long version) =>
        replica.Stepped(document, row, trained, version, time.GetUtcNow(), options.Documents);

    private Contribution Gradient(PublishedWeights weights, int number, long sequence, IReadOnlyList<Lesson> lessons)
    {
        replica.Load(weights.Weights, weights.Version);
        var gradient = new float[weights.Weights.Layout.ParameterCount];
        var loss = replica.Train(gradient);
        var batch = replica.Batch;
        double confidence = 0;
        for (var row = 0; row < batch.Rows; row++) confidence += batch.Confidence[row] / batch.Rows;
        return new Contribution
        {
            Term = weights.Term,
            BaseVersion = weights.Version,
            Parts = [new ContributionPart(number, sequence, batch.Rows, 1, loss, confidence)],
            Values = gradient,
            Statistics = MovedStatistics(out var tracked),
            Calls = IsResidual ? 0 : tracked - weights.Weights.BatchesTracked,
            Lessons = lessons,
        }.Rounded(options.Coordination.GradientPrecision);
    }

    private float[] MovedStatistics(out long tracked)
    {
        tracked = 0;
        if (IsResidual) return [];
        replica.ReadStatistics(statistics);
        tracked = statistics.BatchesTracked;
        return [.. statistics.Statistics];
    }

    private Contribution Average(Coordinator local, PublishedWeights weights, ContributionPart part, IReadOnlyList<Lesson> lessons) =>
        new()
        {
            Term = weights.Term,
            BaseVersion = weights.Version,
            Parts = [part],
            Values = [.. local.Weights.Parameters, .. local.Optimizer.Mean, .. local.Optimizer.Variance],
            Statistics = IsResidual ? [] : [.. local.Weights.Statistics],
            Calls = local.Weights.BatchesTracked - weights.Weights.BatchesTracked,
            Lessons = lessons,
        };

    private static async Task<ContributionAnswer> Bring(Contribution contribution, IGradientExchange exchange)
    {
        while (true)
        {
            var answer = await exchange.Contribute(contribution);
            if (answer.Reception != Reception.Held) return answer;
        }
    }

    /// <summary>Documents after their prequential test; lessons and summaries in the residual mode alone.</summary>
    private sealed record JudgedDocuments(
        IReadOnlyList<Document> Documents, IReadOnlyList<Lesson> Lessons, IReadOnlyList<Prediction> Predictions, IReadOnlyList<SummaryJudgement> Summaries);
}
