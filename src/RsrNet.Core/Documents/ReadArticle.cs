namespace RsrNet.Core.Documents;

/// <summary>An article with everything an encoder says of it: what the residual mode works on.</summary>
/// <param name="X">[d]</param>
/// <param name="T">[d]; null without highlights.</param>
/// <param name="Highlights">Empty where <paramref name="T"/> is null.</param>
public sealed record ReadArticle(string Id, float[] X, float[]? T, ArticleSentences Sentences, IReadOnlyList<string> Highlights);
