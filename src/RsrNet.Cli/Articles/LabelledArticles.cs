using RsrNet.Core.Articles;

namespace RsrNet.Cli.Articles;

/// <summary>Articles that can be learned from, out of files and folders.</summary>
internal static class LabelledArticles
{
    /// <summary>In the order of the files, each id once (the last one counts, as in a server); what is left out is said.</summary>
    /// <exception cref="CommandException">A path is not there or cannot be read.</exception>
    public static async Task<List<Article>> Read(string[] paths, ArticleLimits limits, Terminal terminal, CancellationToken cancellation)
    {
        var articles = new Dictionary<string, Article>(StringComparer.Ordinal);
        var unlabelled = 0;
        foreach (var source in IngestSources.Of(paths))
        {
            if (source.Problem is not null) throw new CommandException($"{source.File}: {source.Problem}");
            var items = source.File == IngestSources.StandardInput
                ? ArticleLines.Read(terminal.OpenInput(), source.File, limits, cancellation)
                : ArticleFiles.ReadFile(source.File, limits, cancellation);
            await foreach (var item in items)
            {
                if (!item.Reading.IsAccepted) terminal.Notice($"left out {item.Source}{(item.Line is { } line ? $":{line}" : "")}: {item.Reading.Error}");
                else if (item.Reading.Article.HasHighlights) articles[item.Reading.Article.Id] = item.Reading.Article;
                else unlabelled++;
            }
        }
        if (unlabelled > 0) terminal.Notice($"left out {unlabelled:N0} articles without highlights: there is nothing to learn from them");
        return [.. articles.Values];
    }
}
