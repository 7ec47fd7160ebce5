using System.Runtime.CompilerServices;

namespace RsrNet.Core.Articles;

/// <summary>Reads NDJSON: one article in JSON on each line. A bad line rejects itself alone; blank lines are passed over.</summary>
public static class ArticleLines
{
    /// <param name="stream">UTF-8; a byte order mark is passed over. Not closed.</param>
    /// <param name="source">Its name, for messages.</param>
    public static async IAsyncEnumerable<ArticleItem> Read(
        Stream stream, string source, ArticleLimits limits, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var window = new ByteWindow(stream);
        var index = 0L;
        var line = 1L;
        var scanned = 0;
        var tooLong = false;
        for (var more = true; more;)
        {
            var end = window.Span[scanned..].IndexOf((byte)'\n');
            if (end < 0)
            {
                scanned = window.Span.Length;
                if (scanned > limits.BodyBytes)
                {
                    tooLong = true;
                    window.Drop(scanned);
                    scanned = 0;
                }
                more = await window.ReadMore(cancellation);
                if (more) continue;
                end = window.Span.Length - scanned;
            }
            var length = scanned + end;
            if (tooLong || !IsBlank(window.Span[..length]))
            {
                var reading = tooLong
                    ? ArticleReading.Rejected(new ArticleProblem("", $"the line has more than {limits.BodyBytes:N0} bytes; split the article"))
                    : ArticleJson.Read(window.Span[..length], limits);
                yield return new ArticleItem(source, line, index++, reading);
            }
            if (more) window.Drop(length + 1);
            scanned = 0;
            tooLong = false;
            line++;
        }
    }

    private static bool IsBlank(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("\uFEFF"u8)) line = line[3..];
        return line.IndexOfAnyExcept(" \t\r"u8) < 0;
    }
}
