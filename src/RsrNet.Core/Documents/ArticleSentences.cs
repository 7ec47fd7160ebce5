using RsrNet.Core.Articles;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>An article's sentences with their vectors: what a summary is made of. n = sentences, d = width of the encoder's vectors.</summary>
public sealed class ArticleSentences
{
    [ThreadStatic]
    private static List<int>? _places;

    [ThreadStatic]
    private static List<float>? _values;

    private ArticleWords? words;

    /// <summary>
    /// Sentences read of one article; what comes after is left alone. News says what matters early, and the work grows with n^2.
    /// </summary>
    public const int Limit = 128;

    internal ArticleSentences(IReadOnlyList<SentenceOutline> outlines, SentenceVectors vectors)
    {
        if (outlines.Count != vectors.Count) throw new ArgumentException($"{vectors.Count} vectors do not fit {outlines.Count} sentences", nameof(vectors));
        Outlines = outlines;
        Vectors = vectors;
        Products = vectors.Products;
    }

    /// <summary>[n] in article order.</summary>
    public IReadOnlyList<SentenceOutline> Outlines { get; }

    /// <summary>[n, d] of unit length; zero where a sentence has no word the encoder knows.</summary>
    public SentenceVectors Vectors { get; }

    /// <summary>[n, n] cosines between sentences.</summary>
    public float[] Products { get; }

    /// <summary>d</summary>
    public int Dimensions => Vectors.Dimensions;

    /// <summary>What the sentences say word by word; worked out when it is asked for first.</summary>
    public ArticleWords Words => words ??= new ArticleWords(Outlines);

    /// <summary>n; 0 for a text without a letter.</summary>
    public int Count => Outlines.Count;

    /// <param name="encoder">The one that embeds the articles.</param>
    /// <param name="text">The article's text, without its title.</param>
    public static ArticleSentences Of(ITextEncoder encoder, string text) => Of(encoder, [text])[0];

    /// <summary>The same for several articles in one call of the encoder.</summary>
    public static ArticleSentences[] Of(ITextEncoder encoder, IReadOnlyList<string> texts)
    {
        var outlines = new SentenceOutline[texts.Count][];
        for (var i = 0; i < texts.Count; i++)
            outlines[i] = [.. Readout.Choices(texts[i], Sentences.Ranges(texts[i])).Take(Limit).Select(choice => SentenceOutline.Of(choice.Sentence, choice.Position))];
        return encoder is ISparseEncoder sparse
            ? Array.ConvertAll(outlines, own => new ArticleSentences(own, Sparse(sparse, own)))
            : Dense(encoder, outlines);
    }

    private static SentenceVectors Sparse(ISparseEncoder encoder, SentenceOutline[] outlines)
    {
        var d = encoder.Dimensions;
        var (places, values) = (_places ??= [], _values ??= []);
        places.Clear();
        values.Clear();
        for (var i = 0; i < outlines.Length; i++) encoder.EncodeSparse(outlines[i].Text, i * d, places, values);
        return new SentenceVectors(outlines.Length, d, [.. places], [.. values]);
    }

    private static ArticleSentences[] Dense(ITextEncoder encoder, SentenceOutline[][] outlines)
    {
        string[] all = [.. outlines.SelectMany(own => own).Select(outline => outline.Text)];
        var d = encoder.Dimensions;
        var vectors = new float[all.Length * d];
        encoder.Encode(all, vectors);
        for (var i = 0; i < all.Length; i++) VectorMath.Normalize(vectors.AsSpan(i * d, d));
        var articles = new ArticleSentences[outlines.Length];
        var at = 0;
        for (var i = 0; i < articles.Length; i++)
        {
            var count = outlines[i].Length;
            articles[i] = new ArticleSentences(outlines[i], SentenceVectors.Of(vectors[(at * d)..((at + count) * d)], count, d));
            at += count;
        }
        return articles;
    }
}

/// <param name="Position">Index among all sentences of the article, from 0.</param>
/// <param name="Words">Runs of characters between blanks; at least 1.</param>
/// <param name="Digits">Share of the words that begin with a digit; in [0, 1].</param>
/// <param name="Quotes">Whether somebody is quoted in it: highlights seldom do.</param>
/// <param name="Capitals">Share of the words after the first that begin with a capital: names; in [0, 1].</param>
public readonly record struct SentenceOutline(string Text, int Position, int Words, float Digits, float Capitals, bool Quotes)
{
    private const string QuoteMarks = "\"\u201C\u201D";

    public static SentenceOutline Of(string text, int position)
    {
        int words = 0, digits = 0, capitals = 0;
        var inside = false;
        foreach (var unit in text)
        {
            var blank = char.IsWhiteSpace(unit);
            if (!inside && !blank)
            {
                words++;
                if (char.IsAsciiDigit(unit)) digits++;
                else if (char.IsUpper(unit) && words > 1) capitals++;
            }
            inside = !blank;
        }
        words = Math.Max(words, 1);
        return new SentenceOutline(text, position, words, (float)digits / words, (float)capitals / words, text.AsSpan().ContainsAny(QuoteMarks));
    }
}
