namespace RsrNet.Core.Documents;

/// <summary>An article's sentences as they wait to be learned again: nothing that can be worked out anew but their vectors and products, of which nothing is rounded.</summary>
internal sealed class PackedSentences(ArticleSentences sentences)
{
    private readonly IReadOnlyList<SentenceOutline> outlines = sentences.Outlines;
    private readonly SentenceVectors vectors = sentences.Vectors;

    public ArticleSentences Unpack() => new(outlines, vectors);
}

/// <summary>A labelled document that may be learned from again.</summary>
/// <param name="Document">Without state and sentences.</param>
/// <param name="Sentences">Null until it was learned from in this process.</param>
internal sealed record ReservedDocument(Document Document, PackedSentences? Sentences)
{
    /// <param name="document">With sentences, where it is to be learned from again without the encoder.</param>
    public static ReservedDocument Of(Document document) => new(
        document.WithoutSentences() with { State = null, Trajectory = Trajectory.Empty },
        document.Embedding?.Sentences is { } sentences ? new PackedSentences(sentences) : null);

    /// <summary>The document as far as it is known.</summary>
    public Document Unpack() => Sentences is null
        ? Document
        : Document with { Embedding = Document.Embedding! with { Sentences = Sentences.Unpack() } };
}
