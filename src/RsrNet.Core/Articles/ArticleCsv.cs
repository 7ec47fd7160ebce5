using System.Runtime.CompilerServices;

namespace RsrNet.Core.Articles;

/// <summary>
/// Reads articles from CSV (RFC 4180: quotes, doubled quotes, line ends inside quotes) with a header. Columns: article (or text), highlights (one on
/// each line of the cell), id, and title where there is one, in any order; others are passed over. Empty highlights make an unlabelled article, an empty id
/// one made from the content. A bad row rejects itself alone; without a needed column nothing is read.
/// </summary>
public static class ArticleCsv
{
    /// <param name="stream">UTF-8; a byte order mark is passed over. Not closed.</param>
    /// <param name="source">Its name, for messages.</param>
    public static async IAsyncEnumerable<ArticleItem> Read(
        Stream stream, string source, ArticleLimits limits, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var window = new ByteWindow(stream);
        var rows = new CsvRow();
        var rowEnd = new CsvRowEnd();
        Columns? columns = null;
        var index = 0L;
        var line = 1L;
        var next = 1L;
        var tooLong = false;
        var scanned = 0;
        for (var more = true; more;)
        {
            var end = rowEnd.Find(window.Span[scanned..]);
            if (end < 0)
            {
                scanned = window.Span.Length;
                if (scanned > limits.BodyBytes)
                {
                    tooLong = true;
                    next += window.Span.Count((byte)'\n');
                    window.Drop(scanned);
                    scanned = 0;
                }
                more = await window.ReadMore(cancellation);
                if (more) continue;
                end = window.Span.Length - scanned;
            }
            var length = scanned + end;
            scanned = 0;
            var item = Row(window.Span[..length]);
            if (item is not null) yield return item;
            if (columns is null && item is not null) yield break;
            next += window.Span[..length].Count((byte)'\n') + 1;
            line = next;
            tooLong = false;
            if (more) window.Drop(length + 1);
        }
        if (columns is null) yield return Item(ArticleReading.Rejected(new ArticleProblem("header", "is missing; the first line names the columns: article, highlights, id")));

        ArticleItem Item(ArticleReading reading) => new(source, line, index++, reading);

        ArticleItem? Row(ReadOnlySpan<byte> row)
        {
            if (tooLong) return Item(ArticleReading.Rejected(new ArticleProblem("", $"the row has more than {limits.BodyBytes:N0} bytes; is a quote left open?")));
            if (line == 1 && row.StartsWith("\uFEFF"u8)) row = row[3..];
            if (row is [.., (byte)'\r']) row = row[..^1];
            if (row.IsEmpty) return null;
            var broken = rows.Split(row);
            if (columns is null)
            {
                if (broken is not null) return Item(ArticleReading.Rejected(new ArticleProblem("header", broken)));
                (columns, var problems) = Columns.Of(rows, row);
                return columns is null ? Item(ArticleReading.Rejected(problems)) : null;
            }
            if (broken is not null) return Item(ArticleReading.Rejected(new ArticleProblem("", broken)));
            if (rows.Count != columns.Count)
            {
                return Item(ArticleReading.Rejected(new ArticleProblem(
                    "", $"the row has {rows.Count} cells where the header has {columns.Count}; put cells with commas into quotes")));
            }
            return Item(columns.Read(rows, row, limits));
        }
    }

    private sealed class Columns
    {
        private int _text, _highlights, _id, _title;

        public int Count { get; private init; }

        public static (Columns? Columns, List<ArticleProblem> Problems) Of(CsvRow row, ReadOnlySpan<byte> bytes)
        {
            var names = new List<string>();
            for (var i = 0; i < row.Count; i++) names.Add((row.Cell(bytes, i) ?? "?").Trim());
            var problems = new List<ArticleProblem>();
            var columns = new Columns { Count = names.Count };
            columns._text = Find("article", "text", "add the articles' texts under it");
            columns._highlights = Find("highlights", null, "add it, with empty cells where an article has none");
            columns._id = Find("id", null, "add it, with empty cells to have ids made from the content");
            columns._title = Find("title", null, null);
            return (problems.Count == 0 ? columns : null, problems);

            int Find(string name, string? other, string? fix)
            {
                var found = names.FindAll(column => Is(column, name) || Is(column, other));
                if (found.Count > 1) problems.Add(new ArticleProblem(name, $"is named by {found.Count} columns of the header ({string.Join(", ", found)}); keep one"));
                if (found.Count > 0) return names.IndexOf(found[0]);
                var either = other is null ? $"'{name}'" : $"'{name}' (or '{other}')";
                if (fix is not null)
                {
                    problems.Add(new ArticleProblem(name, $"the header has no column {either}; {fix} (it has: {ArticleDraft.Shown(string.Join(", ", names))})"));
                }
                return -1;
            }

            static bool Is(string column, string? name) => column.Equals(name, StringComparison.OrdinalIgnoreCase);
        }

        public ArticleReading Read(CsvRow row, ReadOnlySpan<byte> bytes, ArticleLimits limits)
        {
            var problems = new List<ArticleProblem>();
            var text = Cell("text", _text, bytes);
            var highlights = Cell("highlights", _highlights, bytes);
            var id = Cell("id", _id, bytes);
            var title = _title < 0 ? null : Cell("title", _title, bytes);
            return new ArticleDraft
            {
                Id = string.IsNullOrEmpty(id) ? null : id,
                Title = title,
                Text = text,
                Highlights = highlights?.Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
            }.Check(limits, problems);

            string? Cell(string field, int column, ReadOnlySpan<byte> bytes)
            {
                var value = row.Cell(bytes, column);
                if (value is null) problems.Add(new ArticleProblem(field, "has bytes that are no UTF-8; save the file as UTF-8"));
                return value;
            }
        }
    }
}
