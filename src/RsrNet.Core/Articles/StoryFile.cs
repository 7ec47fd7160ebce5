using System.Text;
using System.Text.Unicode;

namespace RsrNet.Core.Articles;

/// <summary>
/// Reads a <c>.story</c> file: paragraphs, then for each highlight a line <c>@highlight</c> and the highlight under it. Without such lines the article
/// is unlabelled.
/// </summary>
public static class StoryFile
{
    private const string Mark = "@highlight";

    /// <param name="story">UTF-8; a byte order mark is passed over.</param>
    /// <param name="id">The article's id: the file's name without its ending.</param>
    public static ArticleReading Read(ReadOnlySpan<byte> story, string id, ArticleLimits limits)
    {
        if (story.Length > limits.BodyBytes)
        {
            return ArticleReading.Rejected(new ArticleProblem("", $"the file has {story.Length:N0} bytes; at most {limits.BodyBytes:N0} are allowed"));
        }
        if (!Utf8.IsValid(story)) return ArticleReading.Rejected(new ArticleProblem("text", "has bytes that are no UTF-8; save the file as UTF-8"));

        var text = new StringBuilder(story.Length);
        var highlights = new List<string>();
        var inText = true;
        foreach (var line in Encoding.UTF8.GetString(story).AsSpan().EnumerateLines())
        {
            if (line.Trim() is Mark)
            {
                highlights.Add("");
                inText = false;
            }
            else if (inText) text.Append(line).Append('\n');
            else if (!line.IsWhiteSpace()) highlights[^1] = highlights[^1].Length == 0 ? line.Trim().ToString() : $"{highlights[^1]} {line.Trim()}";
        }
        return new ArticleDraft { Id = id, Text = text.ToString().Trim(), Highlights = highlights }.Check(limits);
    }
}
