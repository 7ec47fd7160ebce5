namespace RsrNet.Core.Documents;

/// <summary>
/// An article's sentences as they wait to be learned again: only what is not zero, which is all of the numbers in a transformer's vectors and one in ten in the
/// hashed encoder's. Nothing is rounded.
/// </summary>
internal sealed class PackedSentences
{
    /// <summary>From the parts.</summary>
    public PackedSentences(IReadOnlyList<SentenceOutline> outlines, int dimensions, int[] places, float[] values, float[] products) =>
        (Outlines, Dimensions, Places, Values, Products) = (outlines, dimensions, places, values, products);

    public PackedSentences(ArticleSentences sentences)
    {
        (Outlines, Products, Dimensions) = (sentences.Outlines, sentences.Products, sentences.Dimensions);
        var count = sentences.Vectors.Length - sentences.Vectors.AsSpan().Count(0f);
        // Where most are not zero their places would cost more than the zeros.
        if (2 * count > sentences.Vectors.Length)
        {
            (Places, Values) = ([], sentences.Vectors);
            return;
        }
        (Places, Values) = (new int[count], new float[count]);
        var next = 0;
        for (var i = 0; i < sentences.Vectors.Length; i++)
        {
            if (sentences.Vectors[i] != 0) (Places[next], Values[next++]) = (i, sentences.Vectors[i]);
        }
    }

    /// <summary>[n]</summary>
    public IReadOnlyList<SentenceOutline> Outlines { get; }

    /// <summary>d</summary>
    public int Dimensions { get; }

    /// <summary>Indices into [n, d], ascending; empty where <see cref="Values"/> are all of them.</summary>
    public int[] Places { get; }

    public float[] Values { get; }

    /// <summary>[n, n]</summary>
    public float[] Products { get; }

    public ArticleSentences Unpack()
    {
        if (Places.Length == 0 && Values.Length > 0) return new ArticleSentences(Outlines, Values, Dimensions, Products);
        var vectors = new float[Outlines.Count * Dimensions];
        for (var i = 0; i < Places.Length; i++) vectors[Places[i]] = Values[i];
        return new ArticleSentences(Outlines, vectors, Dimensions, Products);
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
