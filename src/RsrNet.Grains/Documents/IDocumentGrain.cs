using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Grains.Weights;

namespace RsrNet.Grains.Documents;

/// <summary>Owns one document's refinement state. Its key is the document's id.</summary>
[Alias("rsrnet.document-grain")]
public interface IDocumentGrain : IGrainWithStringKey
{
    /// <summary>The document as it is now; null where there is none.</summary>
    [Alias("find")]
    Task<Document?> Find();

    /// <summary>Its supervision steps after one that the follower knows; ends when it is deleted, and at once where it has been.</summary>
    /// <param name="sequence">Of the revision that the follower knows.</param>
    /// <param name="revision">Its number. A document that was deleted since, and came again, is another one.</param>
    /// <param name="after">The last step that the follower knows, so that none is missed that was made while it was on its way here.</param>
    [Alias("watch")]
    IAsyncEnumerable<TrajectoryPoint> Watch(long sequence, int revision, int after, CancellationToken cancellation = default);

    /// <inheritdoc cref="ILearner.Amend"/>
    [Alias("amend"), ResponseTimeout("00:02:00")]
    Task<AmendOutcome?> Amend(Amendment amendment);

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
    [Alias("prepare"), ResponseTimeout("00:01:00")]
    Task<Readiness> Prepare(long term);

    /// <summary>
    /// What a replica needs to work on it: vectors and state, and sentences in the mode that reads them, without text and trajectory. Null where there is no
    /// such document.
    /// </summary>
    [Alias("take")]
    Task<Document?> Take(long term);

    /// <summary>Takes note that an update with its gradient was applied. Durable once completed.</summary>
    /// <param name="sequence">Of the revision that was learned from; another revision is left alone.</param>
    /// <param name="version">The weight version that came of it.</param>
    [Alias("mark-learned")]
    Task MarkLearned(long term, long sequence, long version);

    /// <summary>Takes in the steps that a replica did with it. Durable once completed.</summary>
    /// <param name="baseStep">The step it was taken at: if others have stepped it meanwhile, these steps are dropped.</param>
    /// <param name="stepped">With the new steps as its trajectory.</param>
    /// <returns>Whether they were taken in.</returns>
    [Alias("record")]
    Task<bool> Record(int baseStep, Document stepped);
}

/// <summary>What is to be done with a document.</summary>
/// <param name="Sequence">Of its revision; 0 where there is no such document.</param>
/// <param name="X">[d] its embedding, by which a drift of the stream is found; null where it has none.</param>
public readonly record struct Readiness(long Sequence, ReadyFor For, float[]? X)
{
    /// <param name="document">With what the mode reads of it.</param>
    internal static Readiness Of(Document? document) => document is null
        ? new Readiness(0, ReadyFor.Nothing, null)
        : new Readiness(
            document.Sequence,
            document.Status == DocumentStatus.Failed && document.Embedding is null ? ReadyFor.Nothing
            : IsLearnable(document) ? ReadyFor.Training
            : document.IsFinished ? ReadyFor.Nothing
            : ReadyFor.Refinement,
            document.Embedding?.X);

    /// <summary>Whether it is to be learned from: it has highlights, and was not learned from yet. One without a sentence has nothing to learn from.</summary>
    internal static bool IsLearnable(Document document) =>
        document is { Embedding.T: not null, LearnedAt: null } && document.Embedding.Sentences is not { Count: 0 };
}

[GenerateSerializer, Immutable, Alias("rsrnet.readiness")]
internal struct ReadinessWire
{
    [Id(0)] public long Sequence;
    [Id(1)] public ReadyFor For;
    [Id(2)] public FloatBlock X;
}

[RegisterConverter]
internal sealed class ReadinessConverter : IConverter<Readiness, ReadinessWire>
{
    public Readiness ConvertFromSurrogate(in ReadinessWire surrogate) => new(surrogate.Sequence, surrogate.For, surrogate.X);

    public ReadinessWire ConvertToSurrogate(in Readiness value) => new() { Sequence = value.Sequence, For = value.For, X = value.X };
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
