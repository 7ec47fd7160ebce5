using RsrNet.Core.Articles;

namespace RsrNet.Core.Documents;

/// <summary>One article with everything the server knows of it. A value: each change gives a new one, and the store keeps the newest.</summary>
public sealed record Document
{
    public required Article Article { get; init; }

    /// <summary>Order of arrival, ascending over the whole store; a new revision takes a new place.</summary>
    public required long Sequence { get; init; }

    /// <summary>1 at first; one more each time the same id came with other content.</summary>
    public required int Revision { get; init; }

    public required DateTimeOffset IngestedAt { get; init; }

    public DocumentStatus Status { get; init; }

    /// <summary>Why the document is <see cref="DocumentStatus.Failed"/>.</summary>
    public string? Failure { get; init; }

    /// <summary>Null until the article was embedded.</summary>
    public DocumentEmbedding? Embedding { get; init; }

    /// <summary>Null until the first supervision step.</summary>
    public RefinementState? State { get; init; }

    public Trajectory Trajectory { get; init; } = Trajectory.Empty;

    /// <summary>The weight version that came of learning from this document; null where it was not learned from (yet).</summary>
    public long? LearnedAt { get; init; }

    /// <summary>The step at which the present run of refinement began: the step limit counts from here, so that newer weights get a full run.</summary>
    public int RunStart { get; init; }

    public string Id => Article.Id;
}

/// <summary>An article's fixed vectors. Arrays are never changed after construction.</summary>
/// <param name="EncoderId"><see cref="Embedding.ITextEncoder.Id"/> of the encoder that made them.</param>
/// <param name="X">[d] the article.</param>
/// <param name="T">[d] its highlights joined by a blank; null without highlights.</param>
public sealed record DocumentEmbedding(string EncoderId, float[] X, float[]? T);
