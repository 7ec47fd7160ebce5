using RsrNet.Core.Articles;
using RsrNet.Core.Numerics;

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

    /// <summary>Whether refinement has come to an end with the weights of the last step.</summary>
    public bool IsFinished => Status is DocumentStatus.Converged or DocumentStatus.Exhausted or DocumentStatus.Failed;

    /// <summary>The document after one more supervision step.</summary>
    /// <param name="y">[d] the new summary embedding.</param>
    /// <param name="z">[L] the new latent.</param>
    /// <param name="confidence">q of the step, in [0, 1].</param>
    /// <param name="loss">The row's loss where the step trained; null keeps the last one.</param>
    /// <param name="version">The weights of the step.</param>
    /// <returns>
    /// Converged, exhausted or refining by <paramref name="options"/>; failed, and back at the start, where y or z is not finite: newer weights may do better.
    /// </returns>
    public Document Stepped(
        ReadOnlySpan<float> y, ReadOnlySpan<float> z, float confidence, float? loss, long version, DateTimeOffset at, DocumentOptions options)
    {
        var step = (State?.Step ?? 0) + 1;
        if (!VectorMath.IsFinite(y) || !VectorMath.IsFinite(z))
        {
            return this with
            {
                State = new RefinementState(new float[y.Length], new float[z.Length], step, version, 1, 1, 0, State?.Loss, null),
                Status = DocumentStatus.Failed,
                Failure = $"refinement with weight version {version} gave a vector that is not finite; it is tried again with newer weights",
            };
        }
        var residualY = State is null ? 1f : VectorMath.RelativeDistance(y, State.Y);
        var residualZ = State is null ? 1f : VectorMath.RelativeDistance(z, State.Z);
        float? similarity = Embedding?.T is { } t ? VectorMath.Cosine(y, t) : null;
        var converged = residualY < options.Tolerance && residualZ < options.Tolerance;
        return this with
        {
            State = new RefinementState(
                y.ToArray(), z.ToArray(), step, version, residualY, residualZ, confidence, loss ?? State?.Loss, similarity),
            Trajectory = Trajectory.Add(new TrajectoryPoint(step, version, residualY, residualZ, confidence, loss, at), options.TrajectoryLimit),
            Status = converged ? DocumentStatus.Converged
                : step - RunStart >= options.MaxSteps ? DocumentStatus.Exhausted
                : DocumentStatus.Refining,
            Failure = null,
        };
    }

    /// <summary>The document after it was learned from in a mode in which learning is no step of its own: the last step has the loss.</summary>
    public Document Learned(float loss) => State is null ? this : this with
    {
        State = State with { Loss = loss }, Trajectory = Trajectory.WithLoss(loss),
    };

    /// <summary>The document after a step, going on from a mixture of the run's latest steps instead of the last one, where its weights are the same.</summary>
    /// <param name="mixing">Of the run; null leaves the document as it is.</param>
    /// <param name="before">What the step began from; nothing is mixed without.</param>
    internal Document Mixed(AndersonMixing? mixing, RefinementState? before)
    {
        if (mixing is null || State is not { } state) return this;
        if (before is null || before.WeightVersion != state.WeightVersion) mixing.Reset();
        if (before is null) return this;
        var next = mixing.Next([.. before.Y, .. before.Z], [.. state.Y, .. state.Z]);
        return this with { State = state with { Y = next[..state.Y.Length], Z = next[state.Y.Length..] } };
    }

    /// <summary>The document with a new run of refinement before it, from its state as it is.</summary>
    public Document NewRun() => this with { Status = DocumentStatus.Refining, RunStart = State?.Step ?? 0 };

    /// <summary>The document at the beginning of its recursion.</summary>
    internal Document Afresh() => this with { State = null, Trajectory = Trajectory.Empty };

    /// <summary>Whether somebody could have read what its y says of highlights that nobody knew: it was refined, and never learned from.</summary>
    public bool WasForetold => State is { Loss: null };

    /// <summary>The document as it is stored: sentences with their vectors are found again in the text.</summary>
    public Document WithoutSentences() =>
        Embedding is { Sentences: not null } embedding ? this with { Embedding = embedding with { Sentences = null } } : this;

    public Document Failing(string reason) => this with { Status = DocumentStatus.Failed, Failure = reason };
}

/// <summary>An article's fixed vectors. Arrays are never changed after construction.</summary>
/// <param name="EncoderId"><see cref="Embedding.ITextEncoder.Id"/> of the encoder that made them.</param>
/// <param name="X">[d] the article.</param>
/// <param name="T">[d] its highlights joined by a blank; null without highlights.</param>
public sealed record DocumentEmbedding(string EncoderId, float[] X, float[]? T)
{
    /// <summary>The article's sentences with their vectors, which the residual mode reads. Only while the learner works on the document: they are not stored.</summary>
    public ArticleSentences? Sentences { get; init; }
}
