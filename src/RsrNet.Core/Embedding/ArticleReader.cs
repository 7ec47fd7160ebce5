using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Embedding;

/// <summary>Gives documents all the vectors that a learning mode works on: x and t, and the sentences where the mode reads them.</summary>
/// <param name="readsSentences">Whether the mode does.</param>
public sealed class ArticleReader(ITextEncoder encoder, bool readsSentences)
{
    public ITextEncoder Encoder => encoder;

    public bool ReadsSentences => readsSentences;

    /// <summary>The document with what it lacks; itself where it lacks nothing.</summary>
    public Document Read(Document document) => Read([document])[0];

    /// <summary>The same for several, in two calls of the encoder.</summary>
    public Document[] Read(IReadOnlyList<Document> documents)
    {
        var read = documents.ToArray();
        var bare = Where(read, IsBare);
        var embeddings = bare.Count == 0 ? [] : encoder.Embed(bare.ConvertAll(i => read[i].Article));
        for (var i = 0; i < bare.Count; i++) read[bare[i]] = read[bare[i]] with { Embedding = embeddings[i] };
        if (!readsSentences) return read;
        var unread = Where(read, document => document.Embedding!.Sentences is null);
        var sentences = unread.Count == 0 ? [] : ArticleSentences.Of(encoder, unread.ConvertAll(i => read[i].Article.Text));
        for (var i = 0; i < unread.Count; i++)
        {
            var document = read[unread[i]];
            read[unread[i]] = document with { Embedding = document.Embedding! with { Sentences = sentences[i] } };
        }
        return read;
    }

    /// <summary>Whether there is anything to read for it.</summary>
    public bool Lacks(Document document) => IsBare(document) || (readsSentences && document.Embedding!.Sentences is null);

    /// <summary>Whether vectors are missing that are stored: all, or those of highlights that came later.</summary>
    public static bool IsBare(Document document) => document.Embedding is null || (document.Article.HasHighlights && document.Embedding.T is null);

    private static List<int> Where(Document[] documents, Predicate<Document> match)
    {
        var places = new List<int>(documents.Length);
        for (var i = 0; i < documents.Length; i++)
        {
            if (match(documents[i])) places.Add(i);
        }
        return places;
    }
}
