using System.Globalization;
using System.Text;

namespace RsrNet.Core.Articles;

/// <summary>The fields of an article as someone sent them, unchecked. Every way in (JSON, CSV, story files) ends in <see cref="Check(ArticleLimits)"/>.</summary>
public sealed record ArticleDraft
{
    private const int LabelLength = 200;

    /// <summary>Null or absent to have it made from the content.</summary>
    public string? Id { get; init; }

    public string? Title { get; init; }

    public string? Text { get; init; }

    public IReadOnlyList<string> Highlights { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public DateTimeOffset? PublishedAt { get; init; }

    /// <summary>
    /// The article, or every problem of it. Line ends become \n, a byte order mark before the text goes, blanks around title and highlights go, a
    /// title of blanks is none.
    /// </summary>
    public ArticleReading Check(ArticleLimits limits) => Check(limits, []);

    /// <param name="problems">What reading the fields found already; a field that is named there is not complained about again.</param>
    internal ArticleReading Check(ArticleLimits limits, List<ArticleProblem> problems)
    {
        var known = problems.Count == 0 ? [] : problems.Select(problem => problem.Field).ToHashSet(StringComparer.Ordinal);
        if (!known.Contains("id")) CheckId(limits, problems);

        var title = Unified(Title)?.Trim();
        if (string.IsNullOrEmpty(title)) title = null;
        else if (title.Length > limits.TitleLength) Add("title", $"has {title.Length:N0} characters; at most {limits.TitleLength:N0} are allowed");
        CheckCharacters("title", title, problems);

        var text = Unified(Text)?.TrimStart('\uFEFF');
        if (!known.Contains("text")) CheckText(text, limits, problems);

        if (Highlights.Count > limits.Highlights) Add("highlights", $"are {Highlights.Count:N0}; at most {limits.Highlights:N0} are allowed");
        var highlights = new string[Highlights.Count];
        for (var i = 0; i < highlights.Length; i++)
        {
            highlights[i] = (Unified(Highlights[i]) ?? "").Trim();
            if (i < limits.Highlights && !known.Contains($"highlights[{i}]")) CheckHighlight($"highlights[{i}]", highlights[i], text, problems);
        }

        var labels = CheckLabels(limits, problems);
        if (problems.Count > 0) return ArticleReading.Rejected(problems);
        var article = new Article(Id ?? "", text!) { Title = title, Highlights = highlights, Labels = labels, PublishedAt = PublishedAt };
        return ArticleReading.Of(Id is null ? article with { Id = article.IdOfContent() } : article);

        void Add(string field, string message) => problems.Add(new ArticleProblem(field, message));
    }

    /// <summary>What is wrong with an id, or null. Ids stand in URLs, so they hold letters and digits of any script, combining marks and - . _ : ~ @ only.</summary>
    public static string? ProblemOfId(string id, ArticleLimits limits)
    {
        if (id.Length == 0) return "is empty; leave it out to have one made from the content";
        if (id.Length > limits.IdLength) return $"has {id.Length:N0} characters; at most {limits.IdLength:N0} are allowed";
        if (id is "." or "..") return $"may not be '{id}', which a URL takes for a folder";
        foreach (var rune in id.EnumerateRunes())
        {
            if (rune.Value is '/' or '\\') return "has a slash; ids are part of URLs: use - or : in its place";
            if (rune == Rune.ReplacementChar) return "has a character that could not be decoded; send UTF-8";
            var category = Rune.GetUnicodeCategory(rune);
            if (category == UnicodeCategory.Control) return $"has the control character U+{rune.Value:X4}; remove it";
            if (Rune.IsWhiteSpace(rune)) return "has a blank; use - or _ in its place";
            if (category > UnicodeCategory.OtherNumber && !"-._:~@".Contains((char)rune.Value, StringComparison.Ordinal))
            {
                return $"has the character '{rune}'; letters, digits and - . _ : ~ @ are allowed";
            }
        }
        return null;
    }

    private void CheckId(ArticleLimits limits, List<ArticleProblem> problems)
    {
        if (Id is not null && ProblemOfId(Id, limits) is { } problem) problems.Add(new ArticleProblem("id", problem));
    }

    private static void CheckText(string? text, ArticleLimits limits, List<ArticleProblem> problems)
    {
        if (text is null) problems.Add(new ArticleProblem("text", "is missing; an article needs a text"));
        else if (text.Length > limits.TextLength)
        {
            problems.Add(new ArticleProblem("text", $"has {text.Length:N0} characters; at most {limits.TextLength:N0} are allowed: split the article"));
        }
        else if (string.IsNullOrWhiteSpace(text)) problems.Add(new ArticleProblem("text", "is empty; an article needs a text"));
        else if (!HasLetterOrDigit(text)) problems.Add(new ArticleProblem("text", "has no letter or digit; an article needs words"));
        CheckCharacters("text", text, problems);
    }

    private static void CheckHighlight(string field, string highlight, string? text, List<ArticleProblem> problems)
    {
        if (highlight.Length == 0) problems.Add(new ArticleProblem(field, "is empty; remove it or write a sentence"));
        else if (!HasLetterOrDigit(highlight)) problems.Add(new ArticleProblem(field, "has no letter or digit; remove it or write a sentence"));
        else if (text is { Length: > 0 } && highlight.Length > text.Length)
        {
            problems.Add(new ArticleProblem(
                field, $"is longer ({highlight.Length:N0} characters) than the article's text ({text.Length:N0}); a highlight is a short sentence about it"));
        }
        CheckCharacters(field, highlight, problems);
    }

    private SortedDictionary<string, string> CheckLabels(ArticleLimits limits, List<ArticleProblem> problems)
    {
        if (Labels.Count > limits.Labels) problems.Add(new ArticleProblem("labels", $"are {Labels.Count:N0}; at most {limits.Labels:N0} are allowed"));
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in Labels)
        {
            var field = $"labels.{Shown(name)}";
            if (string.IsNullOrWhiteSpace(name)) problems.Add(new ArticleProblem("labels", "have one without a name; name it or remove it"));
            else if (name.Length > LabelLength) problems.Add(new ArticleProblem(field, $"has a name of {name.Length:N0} characters; at most {LabelLength} are allowed"));
            else if (string.IsNullOrWhiteSpace(value)) problems.Add(new ArticleProblem(field, "is empty; give it a value or remove it"));
            else if (value.Length > LabelLength) problems.Add(new ArticleProblem(field, $"has {value.Length:N0} characters; at most {LabelLength} are allowed"));
            CheckCharacters(field, name, problems);
            CheckCharacters(field, value, problems);
            labels[name] = value;
        }
        return labels;
    }

    private static void CheckCharacters(string field, string? value, List<ArticleProblem> problems)
    {
        if (value is null) return;
        var nul = value.IndexOf('\0', StringComparison.Ordinal);
        if (nul >= 0) problems.Add(new ArticleProblem(field, $"has a NUL character at position {nul:N0}; remove it"));
        var surrogate = LoneSurrogate(value);
        if (surrogate >= 0) problems.Add(new ArticleProblem(field, $"has half of a surrogate pair at position {surrogate:N0}; send whole characters"));
    }

    // The place of half a pair, or -1.
    private static int LoneSurrogate(ReadOnlySpan<char> text)
    {
        var at = text.IndexOfAnyInRange('\uD800', '\uDFFF');
        for (; at >= 0 && at < text.Length; at++)
        {
            if (!char.IsSurrogate(text[at])) continue;
            if (at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1])) at++;
            else return at;
        }
        return -1;
    }

    private static bool HasLetterOrDigit(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune)) return true;
        }
        return false;
    }

    private static string? Unified(string? text) => text?.Contains('\r', StringComparison.Ordinal) == true
        ? text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n')
        : text;

    /// <summary>A name from outside as a message may show it: not too long, no control characters.</summary>
    internal static string Shown(string name)
    {
        var head = name.Length > 40 ? name[..40] + "..." : name;
        return head.AsSpan().ContainsAnyInRange('\0', '\u001F') ? string.Concat(head.Select(unit => char.IsControl(unit) ? '?' : unit)) : head;
    }
}
