using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>What one replica is to learn from.</summary>
/// <param name="Replica">Who.</param>
/// <param name="FirstSequence">Of its first contribution (<see cref="TrainingSeat.FirstSequence"/>).</param>
/// <param name="Batches">One after the other; several only with local steps.</param>
public sealed record TrainingOrder(int Replica, long FirstSequence, IReadOnlyList<TrainingBatch> Batches)
{
    /// <summary>The coordinator's term in which it was given. In another its sequences are somebody else's, so nothing of it is brought then.</summary>
    public long Term { get; init; }
}

/// <param name="Documents">Labelled and embedded, in the residual mode with sentences; with the guests, at least two, or one in the residual mode.</param>
/// <param name="Guests">Join a small batch, and give their gradients once more; their own states are left as they were. None in the residual mode.</param>
public sealed record TrainingBatch(IReadOnlyList<Document> Documents, IReadOnlyList<Document> Guests)
{
    /// <summary>Batches that were learned before and are learned again after this one; only in the residual mode. Their states are left as they were.</summary>
    public IReadOnlyList<IReadOnlyList<Document>> Replays { get; init; } = [];

    /// <summary>The documents, and the guests behind them.</summary>
    public IReadOnlyList<Document> Rows => [.. Documents, .. Guests];
}

/// <param name="Documents">Those of the order, batch by batch, after the steps that were applied; a document is the same as before where none was.</param>
/// <param name="Predictions">One for each document: before it was learned from.</param>
/// <param name="Loss">Of the last applied step, a mean over the replica's rows; null where none was applied.</param>
/// <param name="Late">Nobody waited for the rest of it any more; documents of which nothing was applied are to be learned from anew.</param>
public sealed record TrainingOutcome(IReadOnlyList<Document> Documents, IReadOnlyList<Prediction> Predictions, float? Loss, bool Late)
{
    /// <summary>One for each document in the residual mode; none in the notebook's.</summary>
    public IReadOnlyList<SummaryJudgement> Summaries { get; init; } = [];
}

/// <summary>How a summary did before its document was learned from: mean of ROUGE-1 and -2 F1 against the highlights.</summary>
/// <param name="Learned">Of the sentences that the learned readout would have picked.</param>
/// <param name="Lead">Of the first sentences.</param>
/// <param name="IsOpen">Whether the learned readout served.</param>
public readonly record struct SummaryJudgement(double Learned, double Lead, bool IsOpen)
{
    /// <summary>Of the summary that was served.</summary>
    public double Served => IsOpen ? Learned : Lead;
}
