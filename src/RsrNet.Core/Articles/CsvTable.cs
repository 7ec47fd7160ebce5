namespace RsrNet.Core.Articles;

/// <summary>A whole CSV file (RFC 4180) as rows of cells, for tables that are no articles yet.</summary>
public static class CsvTable
{
    /// <exception cref="InvalidDataException">A row is broken, or no UTF-8; the message names the file and the row.</exception>
    public static List<string[]> Read(string path)
    {
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        if (bytes.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        var rows = new List<string[]>();
        var cells = new CsvRow();
        while (!bytes.IsEmpty)
        {
            var end = new CsvRowEnd().Find(bytes);
            var row = end < 0 ? bytes : bytes[..end];
            bytes = end < 0 ? default : bytes[(end + 1)..];
            if (row is [.., (byte)'\r']) row = row[..^1];
            if (row.IsEmpty) continue;
            if (cells.Split(row) is { } problem) throw new InvalidDataException($"{path}, row {rows.Count + 1}: {problem}");
            var values = new string[cells.Count];
            for (var i = 0; i < values.Length; i++)
                values[i] = cells.Cell(row, i) ?? throw new InvalidDataException($"{path}, row {rows.Count + 1}: cell {i + 1} is no UTF-8");
            rows.Add(values);
        }
        return rows;
    }
}
