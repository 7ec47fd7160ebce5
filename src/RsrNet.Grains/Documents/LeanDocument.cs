using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Grains.Documents;

internal static class LeanDocument
{
    /// <summary>
    /// What the recursion needs of a document: vectors and state, a few kilobytes; where sentences are read, those and the highlights they are compared with.
    /// Text and trajectory stay with its grain.
    /// </summary>
    public static Document Lean(this Document document)
    {
        var article = new Article(document.Id, "");
        if (document.Embedding?.Sentences is not null) article = article with { Highlights = document.Article.Highlights };
        return document with { Article = article, Trajectory = Trajectory.Empty };
    }

    /// <summary>What came of a replica's work: without the vectors that the document's grain has anyway.</summary>
    public static Document WithoutEmbedding(this Document document) => document with { Embedding = null };

    /// <summary>What a map shows of it: title, labels, figures and y.</summary>
    public static Document WithoutText(this Document document) => document with
    {
        Article = document.Article with { Text = "", Title = document.Article.Headline, Highlights = document.Article.HasHighlights ? ["-"] : [] },
        Trajectory = Trajectory.Empty,
        Embedding = null,
    };
}
