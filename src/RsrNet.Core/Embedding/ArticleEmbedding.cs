using System.Runtime.InteropServices;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Core.Embedding;

/// <summary>What of an article is embedded: x is its title (where it has one), a newline and its text; t is its highlights joined by a blank.</summary>
public static class ArticleEmbedding
{
    public static DocumentEmbedding Embed(this ITextEncoder encoder, Article article) => encoder.Embed([article])[0];

    /// <summary>Embeds articles in one call of the encoder.</summary>
    public static DocumentEmbedding[] Embed(this ITextEncoder encoder, IReadOnlyList<Article> articles)
    {
        var texts = new List<string>(2 * articles.Count);
        foreach (var article in articles)
        {
            texts.Add(article.Title is null ? article.Text : article.Title + "\n" + article.Text);
            if (article.HasHighlights) texts.Add(string.Join(' ', article.Highlights));
        }
        var d = encoder.Dimensions;
        var vectors = new float[texts.Count * d];
        encoder.Encode(CollectionsMarshal.AsSpan(texts), vectors);

        var embeddings = new DocumentEmbedding[articles.Count];
        var at = 0;
        for (var i = 0; i < embeddings.Length; i++)
        {
            var x = vectors.AsSpan(at++ * d, d).ToArray();
            var t = articles[i].HasHighlights ? vectors.AsSpan(at++ * d, d).ToArray() : null;
            embeddings[i] = new DocumentEmbedding(encoder.Id, x, t);
        }
        return embeddings;
    }
}
