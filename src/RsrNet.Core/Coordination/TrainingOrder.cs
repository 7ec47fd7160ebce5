using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>What one replica is to learn from.</summary>
/// <param name="Replica">Who.</param>
/// <param name="FirstSequence">Of its first contribution (<see cref="TrainingSeat.FirstSequence"/>).</param>
/// <param name="Batches">One after the other; several only with local steps.</param>
public sealed record TrainingOrder(int Replica, long FirstSequence, IReadOnlyList<TrainingBatch> Batches);

/// <param name="Documents">Labelled and embedded; with the guests, at least two.</param>
/// <param name="Guests">Join a small batch, and give their gradients once more; their own states are left as they were.</param>
public sealed record TrainingBatch(IReadOnlyList<Document> Documents, IReadOnlyList<Document> Guests)
{
    /// <summary>The documents, and the guests behind them.</summary>
    public IReadOnlyList<Document> Rows => [.. Documents, .. Guests];
}

/// <param name="Documents">Those of the order, batch by batch, after the steps that were applied; a document is the same as before where none was.</param>
/// <param name="Predictions">One for each document: before it was learned from.</param>
/// <param name="Loss">Of the last applied step, a mean over the replica's rows; null where none was applied.</param>
/// <param name="Late">Nobody waited for the rest of it any more; documents of which nothing was applied are to be learned from anew.</param>
public sealed record TrainingOutcome(IReadOnlyList<Document> Documents, IReadOnlyList<Prediction> Predictions, float? Loss, bool Late);
