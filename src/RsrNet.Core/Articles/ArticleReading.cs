using System.Diagnostics.CodeAnalysis;

namespace RsrNet.Core.Articles;

/// <summary>One thing that is wrong with an article.</summary>
/// <param name="Field">The field, such as <c>highlights[2]</c> or <c>labels.topic</c>; empty where the article as a whole is meant.</param>
/// <param name="Message">What is wrong and what to do.</param>
public readonly record struct ArticleProblem(string Field, string Message)
{
    public override string ToString() => Field.Length == 0 ? Message : $"{Field}: {Message}";
}

/// <summary>What came of reading one article: the article, or every problem it has.</summary>
public sealed class ArticleReading
{
    private ArticleReading(Article? article, IReadOnlyList<ArticleProblem> problems)
    {
        Article = article;
        Problems = problems;
    }

    /// <summary>Null where there are problems.</summary>
    public Article? Article { get; }

    /// <summary>Empty where there is an article.</summary>
    public IReadOnlyList<ArticleProblem> Problems { get; }

    [MemberNotNullWhen(true, nameof(Article))]
    public bool IsAccepted => Article is not null;

    /// <summary>All problems in one line; empty where there are none.</summary>
    public string Error => string.Join("; ", Problems);

    public static ArticleReading Of(Article article) => new(article, []);

    /// <exception cref="ArgumentException">There is no problem among them.</exception>
    public static ArticleReading Rejected(params IReadOnlyList<ArticleProblem> problems) =>
        problems.Count > 0 ? new(null, problems) : throw new ArgumentException("an article is rejected for a reason", nameof(problems));
}
