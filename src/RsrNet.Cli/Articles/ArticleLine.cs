using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using RsrNet.Core.Articles;

namespace RsrNet.Cli.Articles;

/// <summary>Writes an article as one line of NDJSON, as the HTTP API reads it.</summary>
internal static class ArticleLine
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>UTF-8, without the line's end.</returns>
    public static ReadOnlyMemory<byte> Of(Article article)
    {
        var buffer = new ArrayBufferWriter<byte>(article.Text.Length + 256);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("id", article.Id);
            if (article.Title is not null) writer.WriteString("title", article.Title);
            writer.WriteString("text", article.Text);
            if (article.HasHighlights)
            {
                writer.WriteStartArray("highlights");
                foreach (var highlight in article.Highlights) writer.WriteStringValue(highlight);
                writer.WriteEndArray();
            }
            if (article.Labels.Count > 0)
            {
                writer.WriteStartObject("labels");
                foreach (var (name, value) in article.Labels) writer.WriteString(name, value);
                writer.WriteEndObject();
            }
            if (article.PublishedAt is { } moment) writer.WriteString("publishedAt", moment.ToString("O", CultureInfo.InvariantCulture));
            writer.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }
}
