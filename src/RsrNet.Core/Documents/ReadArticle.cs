namespace RsrNet.Core.Documents;

/// <summary>An article with everything an encoder says of it: what the residual mode works on.</summary>
/// <param name="X">[d]</param>
/// <param name="T">[d]; null without highlights.</param>
/// <param name="Highlights">Empty where <paramref name="T"/> is null.</param>
public sealed record ReadArticle(string Id, float[] X, float[]? T, ArticleSentences Sentences, IReadOnlyList<string> Highlights)
{
    /// <param name="document">With sentences.</param>
    internal static ReadArticle Of(Document document) =>
        new(document.Id, document.Embedding!.X, document.Embedding.T, document.Embedding.Sentences!, document.Article.Highlights);
}
