using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>An article ready to be bound: hashing and JSON are the caller's work, so that the one who writes only writes.</summary>
internal sealed record ArticleRow(Article Article, byte[] ContentHash, string? Highlights, string? Labels)
{
    public static ArticleRow Of(Article article) =>
        new(article, article.ContentHash(), ArticleColumns.Highlights(article), ArticleColumns.Labels(article));
}

/// <summary>A document's changing part ready to be bound.</summary>
internal sealed record StateRow(Document Document, byte[]? X, byte[]? T, byte[]? Y, byte[]? Z, byte[] Trajectory)
{
    public static StateRow Of(Document document) =>
        new(document,
            document.Embedding is { } embedding ? VectorBlob.Of(embedding.X) : null,
            document.Embedding?.T is { } t ? VectorBlob.Of(t) : null,
            document.State is { } state ? VectorBlob.Of(state.Y) : null,
            document.State is { } latent ? VectorBlob.Of(latent.Z) : null,
            TrajectoryBlob.Of(document.Trajectory));
}
