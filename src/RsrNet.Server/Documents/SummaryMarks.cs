using RsrNet.Core.Articles;

namespace RsrNet.Server.Documents;

/// <summary>A text in parts, those between and those that are sentences of the summary.</summary>
internal static class SummaryMarks
{
    /// <param name="chosen">Positions of sentences in the text.</param>
    public static IReadOnlyList<(string Part, bool Chosen)> Of(string text, IReadOnlySet<int> chosen)
    {
        var parts = new List<(string, bool)>();
        var done = 0;
        var ranges = Sentences.Ranges(text);
        for (var i = 0; i < ranges.Count; i++)
        {
            if (!chosen.Contains(i)) continue;
            var (start, length) = ranges[i].GetOffsetAndLength(text.Length);
            if (start > done) parts.Add((text[done..start], false));
            parts.Add((text.Substring(start, length), true));
            done = start + length;
        }
        if (done < text.Length) parts.Add((text[done..], false));
        return parts;
    }
}
