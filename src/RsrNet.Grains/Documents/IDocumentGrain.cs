using RsrNet.Core;
using RsrNet.Core.Documents;

namespace RsrNet.Grains.Documents;

/// <summary>Owns one document's refinement state. Its key is the document's id.</summary>
[Alias("rsrnet.document-grain")]
public interface IDocumentGrain : IGrainWithStringKey
{
    /// <summary>The document as it is now; null where there is none.</summary>
    [Alias("find")]
    Task<Document?> Find();

    /// <summary>Its supervision steps from now on; ends when it is deleted.</summary>
    [Alias("watch")]
    IAsyncEnumerable<TrajectoryPoint> Watch(CancellationToken cancellation = default);

    /// <inheritdoc cref="ILearner.Refine"/>
    [Alias("refine"), ResponseTimeout("00:05:00")]
    Task<Document?> Refine(RefineRequest request);

    /// <inheritdoc cref="ILearner.MeasureContraction"/>
    [Alias("measure-contraction"), ResponseTimeout("00:05:00")]
    Task<double?> MeasureContraction();

    /// <returns>Whether there was such a document.</returns>
    [Alias("delete")]
    Task<bool> Delete();

    /// <summary>The store has a new revision of it.</summary>
    [Alias("reload")]
    Task Reload();

    /// <summary>Embeds it, where that was not done yet, and says what is to be done with it.</summary>
    /// <param name="term">The coordinator's: in a new one, the store knows better what was learned than this grain remembers.</param>
    [Alias("prepare"), ResponseTimeout("00:02:00")]
    Task<Readiness> Prepare(long term);

    /// <summary>What a replica needs to work on it: vectors and state, without text and trajectory. Null where there is no such document.</summary>
    [Alias("take")]
    Task<Document?> Take(long term);

    /// <summary>Takes note that an update with its gradient was applied. Durable once completed.</summary>
    /// <param name="sequence">Of the revision that was learned from; another revision is left alone.</param>
    /// <param name="version">The weight version that came of it.</param>
    [Alias("mark-learned"), ResponseTimeout("00:02:00")]
    Task MarkLearned(long term, long sequence, long version);

    /// <summary>Takes in the steps that a replica did with it. Durable once completed.</summary>
    /// <param name="baseStep">The step it was taken at: if others have stepped it meanwhile, these steps are dropped.</param>
    /// <param name="stepped">With the new steps as its trajectory.</param>
    /// <returns>Whether they were taken in.</returns>
    [Alias("record"), ResponseTimeout("00:02:00")]
    Task<bool> Record(int baseStep, Document stepped);
}

/// <summary>What is to be done with a document.</summary>
/// <param name="Sequence">Of its revision; 0 where there is no such document.</param>
[GenerateSerializer, Immutable, Alias("rsrnet.readiness")]
public readonly record struct Readiness([property: Id(0)] long Sequence, [property: Id(1)] ReadyFor For)
{
    internal static Readiness Of(Document? document) => document is null
        ? new Readiness(0, ReadyFor.Nothing)
        : new Readiness(
            document.Sequence,
            document.Status == DocumentStatus.Failed && document.Embedding is null ? ReadyFor.Nothing
            : document.Embedding?.T is not null && document.LearnedAt is null ? ReadyFor.Training
            : document.IsFinished ? ReadyFor.Nothing
            : ReadyFor.Refinement);
}

[GenerateSerializer]
public enum ReadyFor
{
    /// <summary>It is finished, failed or gone.</summary>
    Nothing,
    /// <summary>It has highlights and was not learned from yet.</summary>
    Training,
    Refinement,
}
