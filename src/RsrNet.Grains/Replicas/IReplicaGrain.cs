using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;

namespace RsrNet.Grains.Replicas;

/// <summary>Owns a replica of the model: an engine with the weights of a version, and the batch it works on. Its key is the replica's number.</summary>
[Alias("rsrnet.replica-grain")]
public interface IReplicaGrain : IGrainWithIntegerKey
{
    /// <summary>Learns from documents, and brings the gradients to the coordinator. What came of the documents is kept until <see cref="Settle"/>.</summary>
    [Alias("train"), ResponseTimeout("01:00:00")]
    Task<TrainingReport> Train(ReplicaOrder order);

    /// <summary>Gives the documents of an order their new states. They are durable once completed.</summary>
    [Alias("settle"), ResponseTimeout("00:02:00")]
    Task Settle(long term, long firstSequence);

    /// <summary>Refines documents until each is finished. What came of it is durable once completed.</summary>
    [Alias("refine"), ResponseTimeout("01:00:00")]
    Task<RefinementReport> Refine(RefinementOrder order);

    /// <summary>Whether it is at an order. One whose message was lost with a silo is nowhere, and nobody answers for it.</summary>
    /// <param name="term">Of the order.</param>
    /// <param name="learning">Whether it is one of learning, with <see cref="ReplicaOrder.FirstSequence"/>, or of refinement.</param>
    [Alias("is-at")]
    Task<bool> IsAt(long term, bool learning, long number);

    /// <summary>Refines one document that somebody asked for.</summary>
    /// <param name="lean">With vectors and state, without trajectory.</param>
    /// <inheritdoc cref="RefineRequest" path="/param"/>
    [Alias("refine-now"), ResponseTimeout("00:05:00")]
    Task<Document> RefineNow(Document lean, int steps, double? untilResidual, TimeSpan? timeLimit);

    /// <param name="lean">With vectors and state.</param>
    /// <inheritdoc cref="ILearner.MeasureContraction" path="/summary"/>
    [Alias("measure-contraction"), ResponseTimeout("00:05:00")]
    Task<double> MeasureContraction(Document lean);

    /// <summary>The y that documents come to from the start, without learning.</summary>
    /// <param name="ids">Those that are not there, or have no vectors, are left out.</param>
    /// <param name="untrained">By the network's initial weights rather than the current ones.</param>
    [Alias("outcomes"), ResponseTimeout("00:05:00")]
    Task<MapVector[]> Outcomes(string[] ids, bool untrained);
}

/// <summary>What a replica is to learn from.</summary>
[GenerateSerializer, Immutable, Alias("rsrnet.replica-order")]
public sealed record ReplicaOrder
{
    /// <summary>The coordinator's term.</summary>
    [Id(0)] public required long Term { get; init; }

    /// <summary>The current weight version, at least.</summary>
    [Id(1)] public required long AtLeast { get; init; }

    /// <summary>Replicas with the same number share their updates.</summary>
    [Id(2)] public required long Round { get; init; }

    [Id(3)] public required int Replica { get; init; }

    /// <summary>Sequence of its first contribution.</summary>
    [Id(4)] public required long FirstSequence { get; init; }

    [Id(5)] public required IReadOnlyList<ReplicaBatch> Batches { get; init; }
}

/// <param name="Documents">Ids.</param>
/// <param name="Guests">Ids of documents that join, because the others are too few.</param>
[GenerateSerializer, Immutable, Alias("rsrnet.replica-batch")]
public sealed record ReplicaBatch([property: Id(0)] string[] Documents, [property: Id(1)] string[] Guests)
{
    /// <summary>Ids of documents that are learned again after it, batch by batch; only in the residual mode.</summary>
    [Id(2)] public string[][] Replays { get; init; } = [];
}

/// <summary>What came of an order.</summary>
/// <param name="Predictions">One for each document that took part: how well it was known before it was learned from.</param>
/// <param name="GivenUp">Nobody waited for it any more, or too few of the documents were left: what was not learned is to be given out again.</param>
[GenerateSerializer, Immutable, Alias("rsrnet.training-report")]
public sealed record TrainingReport([property: Id(0)] Prediction[] Predictions, [property: Id(1)] bool GivenUp)
{
    /// <summary>How the summaries did; one for each prediction in the residual mode, none in the notebook's.</summary>
    [Id(2)] public SummaryJudgement[] Summaries { get; init; } = [];
}

/// <param name="Documents">Ids.</param>
/// <param name="Number">Ascending over the orders of refinement in a term.</param>
/// <inheritdoc cref="ReplicaOrder" path="/param"/>
[GenerateSerializer, Immutable, Alias("rsrnet.refinement-order")]
public sealed record RefinementOrder(
    [property: Id(0)] long Term, [property: Id(1)] long AtLeast, [property: Id(2)] string[] Documents, [property: Id(3)] long Number);

/// <param name="Finished">Ids of documents with which nothing more is to be done.</param>
[GenerateSerializer, Immutable, Alias("rsrnet.refinement-report")]
public sealed record RefinementReport([property: Id(0)] string[] Finished);
