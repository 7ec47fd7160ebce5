using System.Text;
using System.Text.Unicode;

namespace RsrNet.Core.Articles;

/// <summary>Where the cells of one row of RFC 4180 CSV lie; the row's bytes stay where they are.</summary>
internal sealed class CsvRow
{
    private readonly List<(int Start, int Length, bool Quoted)> _cells = [];

    public int Count => _cells.Count;

    /// <summary>Finds the cells of a whole row.</summary>
    /// <param name="row">Without the line end behind it.</param>
    /// <returns>What is wrong with the row, or null.</returns>
    public string? Split(ReadOnlySpan<byte> row)
    {
        _cells.Clear();
        for (var at = 0; ;)
        {
            var quoted = at < row.Length && row[at] == '"';
            int end;
            if (quoted)
            {
                at++;
                end = at;
                while (true)
                {
                    var quote = row[end..].IndexOf((byte)'"');
                    if (quote < 0) return $"cell {_cells.Count + 1} begins with a quote that is never closed; close it";
                    end += quote;
                    if (end + 1 >= row.Length || row[end + 1] != '"') break;
                    end += 2;
                }
                _cells.Add((at, end - at, true));
                at = end + 1;
                if (at < row.Length && row[at] != ',') return $"cell {_cells.Count} goes on behind its closing quote; write quotes inside a cell twice";
            }
            else
            {
                end = row[at..].IndexOf((byte)',');
                end = end < 0 ? row.Length : at + end;
                _cells.Add((at, end - at, false));
                at = end;
            }
            if (at >= row.Length) return null;
            at++;
        }
    }

    /// <summary>The text of a cell, or null where its bytes are no UTF-8.</summary>
    public string? Cell(ReadOnlySpan<byte> row, int index)
    {
        var (start, length, quoted) = _cells[index];
        var bytes = row.Slice(start, length);
        if (!Utf8.IsValid(bytes)) return null;
        var text = Encoding.UTF8.GetString(bytes);
        return quoted ? text.Replace("\"\"", "\"", StringComparison.Ordinal) : text;
    }
}
