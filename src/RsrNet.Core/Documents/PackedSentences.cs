namespace RsrNet.Core.Documents;

/// <summary>
/// An article's sentences as they wait to be learned again: only what is not zero, which is all of the numbers in a transformer's vectors and one in ten in the
/// hashed encoder's. Nothing is rounded.
/// </summary>
internal sealed class PackedSentences
{
    private readonly IReadOnlyList<SentenceOutline> outlines;
    private readonly float[] products;
    private readonly int dimensions;
    private readonly int[] places;
    private readonly float[] values;

    public PackedSentences(ArticleSentences sentences)
    {
        (outlines, products, dimensions) = (sentences.Outlines, sentences.Products, sentences.Dimensions);
        var count = sentences.Vectors.Length - sentences.Vectors.AsSpan().Count(0f);
        // Where most are not zero their places would cost more than the zeros.
        if (2 * count > sentences.Vectors.Length)
        {
            (places, values) = ([], sentences.Vectors);
            return;
        }
        (places, values) = (new int[count], new float[count]);
        var next = 0;
        for (var i = 0; i < sentences.Vectors.Length; i++)
        {
            if (sentences.Vectors[i] != 0) (places[next], values[next++]) = (i, sentences.Vectors[i]);
        }
    }

    public ArticleSentences Unpack()
    {
        if (places.Length == 0 && values.Length > 0) return new ArticleSentences(outlines, values, dimensions, products);
        var vectors = new float[outlines.Count * dimensions];
        for (var i = 0; i < places.Length; i++) vectors[places[i]] = values[i];
        return new ArticleSentences(outlines, vectors, dimensions, products);
    }
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
