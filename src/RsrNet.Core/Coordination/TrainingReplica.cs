using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>
/// A replica that learns with others: scores its batch, computes gradients on its device's thread, and brings them to the exchange. One order at a time.
/// </summary>
/// <param name="engine">Its own; disposed with it.</param>
/// <param name="thread">Does the arithmetic; not disposed.</param>
public sealed class TrainingReplica(IRecursionEngine engine, ComputeThread thread, RsrNetOptions options, TimeProvider time) : IDisposable
{
    private readonly Replica replica = new(engine);
    private readonly RecursionWeights statistics = new(engine.Shape);

    /// <summary>Learns from the order's documents until all steps are done, or the exchange wants no more of it.</summary>
    public Task<TrainingOutcome> Train(TrainingOrder order, IGradientExchange exchange) =>
        options.Coordination.Mode == CoordinationMode.LocalSteps && options.Coordination.Replicas > 1
            ? TrainLocally(order, exchange)
            : TrainTogether(order, exchange);

    public void Dispose() => replica.Dispose();

    /// <summary>Every supervision step is an update of the coordinator's weights.</summary>
    private async Task<TrainingOutcome> TrainTogether(TrainingOrder order, IGradientExchange exchange)
    {
        var batch = order.Batches.Single();
        var rows = batch.Rows;
        Document[] documents = [.. batch.Documents];
        var weights = await exchange.ReadWeights(0);
        var predictions = await thread.Run(() =>
        {
            replica.Unload();
            var scored = Predict(batch.Documents, weights.Weights, weights.Version);
            replica.Place(rows);
            return scored;
        });
        float? loss = null;
        var late = false;
        for (var step = 0; step < options.Replicas.SupervisionSteps; step++)
        {
            ContributionAnswer answer;
            while (true)
            {
                var based = weights;
                var contribution = await thread.Run(() => Gradient(based, order.Replica, order.FirstSequence + step));
                answer = await Bring(contribution, exchange);
                if (answer.Reception != Reception.Stale)
                {
                    if (answer.Reception is Reception.Applied or Reception.Repeated) loss = contribution.Loss;
                    break;
                }
                replica.Rewind();
                weights = await exchange.ReadWeights(answer.Version);
            }
            late = answer.Reception == Reception.Late;
            if (answer.Reception is not (Reception.Applied or Reception.Repeated)) break;
            for (var row = 0; row < documents.Length; row++)
                documents[row] = replica.Stepped(documents[row], row, trained: true, answer.Version, time.GetUtcNow(), options.Documents);
            if (answer.Stop || step + 1 == options.Replicas.SupervisionSteps) break;
            weights = await exchange.ReadWeights(answer.Version);
        }
        return new TrainingOutcome(documents, predictions, loss, late);
    }

    /// <summary>Learns batch by batch with weights of its own, and brings them once at the end.</summary>
    private async Task<TrainingOutcome> TrainLocally(TrainingOrder order, IGradientExchange exchange)
    {
        var weights = await exchange.ReadWeights(0);
        var local = new Coordinator(weights.Weights.Clone(), options.Coordination);
        local.Restore(new Checkpoint(weights.Version, null, "", weights.Weights, weights.Optimizer, time.GetUtcNow(), null));
        var supervision = new Supervision(engine, local, options.Replicas);
        List<Document> documents = [];
        List<Prediction> predictions = [];
        var (rows, updates, confidence, late) = (0, 0, 0.0, false);
        replica.Unload();
        foreach (var batch in order.Batches)
        {
            await thread.Run(() =>
            {
                predictions.AddRange(Predict(batch.Documents, local.Weights, local.Version));
                Document[] stepped = [.. batch.Documents];
                replica.Place(batch.Rows);
                foreach (var step in replica.Train(supervision))
                {
                    if (!step.Applied) break;
                    updates++;
                    // Nobody else will ever see the weights between; what can be named is the version that they began with.
                    for (var row = 0; row < stepped.Length; row++)
                        stepped[row] = replica.Stepped(stepped[row], row, trained: true, weights.Version, time.GetUtcNow(), options.Documents);
                    confidence = step.Confidence;
                }
                rows += batch.Rows.Count;
                documents.AddRange(stepped);
                return true;
            });
        }
        if (updates > 0)
        {
            var contribution = Average(local, weights, new ContributionPart(order.Replica, order.FirstSequence, rows, updates, local.Loss!.Value, confidence));
            var answer = await Bring(contribution, exchange);
            if (answer.Reception is Reception.Applied or Reception.Repeated) return new TrainingOutcome(documents, predictions, local.Loss, false);
            late = answer.Reception == Reception.Late;
        }
        return new TrainingOutcome([.. order.Batches.SelectMany(batch => batch.Documents)], predictions, null, late);
    }

    private Prediction[] Predict(IReadOnlyList<Document> documents, RecursionWeights weights, long version)
    {
        replica.Load(weights, version);
        replica.Place(documents);
        return replica.Predict(documents, options.Replicas.SupervisionSteps);
    }

    private Contribution Gradient(PublishedWeights weights, int number, long sequence)
    {
        replica.Load(weights.Weights, weights.Version);
        var gradient = new float[weights.Weights.Layout.ParameterCount];
        var loss = replica.Train(gradient);
        replica.ReadStatistics(statistics);
        var batch = replica.Batch;
        double confidence = 0;
        for (var row = 0; row < batch.Rows; row++) confidence += batch.Confidence[row] / batch.Rows;
        return new Contribution
        {
            Term = weights.Term,
            BaseVersion = weights.Version,
            Parts = [new ContributionPart(number, sequence, batch.Rows, 1, loss, confidence)],
            Values = gradient,
            Statistics = [.. statistics.Statistics],
            Calls = statistics.BatchesTracked - weights.Weights.BatchesTracked,
        }.Rounded(options.Coordination.GradientPrecision);
    }

    private static Contribution Average(Coordinator local, PublishedWeights weights, ContributionPart part) =>
        new Contribution
        {
            Term = weights.Term,
            BaseVersion = weights.Version,
            Parts = [part],
            Values = [.. local.Weights.Parameters, .. local.Optimizer.Mean, .. local.Optimizer.Variance],
            Statistics = [.. local.Weights.Statistics],
            Calls = local.Weights.BatchesTracked - weights.Weights.BatchesTracked,
        };

    private static async Task<ContributionAnswer> Bring(Contribution contribution, IGradientExchange exchange)
    {
        while (true)
        {
            var answer = await exchange.Contribute(contribution);
            if (answer.Reception != Reception.Held) return answer;
        }
    }
}
