using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Articles;

namespace RsrNet.Server.Documents;

/// <summary>The fields of an article that databases keep as text.</summary>
internal static class ArticleColumns
{
    public static string? Highlights(Article article) =>
        article.Highlights.Count == 0 ? null : JsonSerializer.Serialize([.. article.Highlights], ArticleColumnsJson.Default.StringArray);

    public static IReadOnlyList<string> ReadHighlights(string? column) =>
        column is null ? [] : JsonSerializer.Deserialize(column, ArticleColumnsJson.Default.StringArray) ?? [];

    public static string? Labels(Article article) =>
        article.Labels.Count == 0
            ? null
            : JsonSerializer.Serialize(new SortedDictionary<string, string>(article.Labels.ToDictionary(), StringComparer.Ordinal),
                ArticleColumnsJson.Default.SortedDictionaryStringString);

    public static IReadOnlyDictionary<string, string> ReadLabels(string? column)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (column is null) return labels;
        foreach (var (name, value) in JsonSerializer.Deserialize(column, ArticleColumnsJson.Default.SortedDictionaryStringString) ?? [])
            labels.Add(name, value);
        return labels;
    }

    /// <summary>ISO 8601 to 100 ns, with the offset from UTC as it came in.</summary>
    public static string? Time(DateTimeOffset? time) => time?.ToString("O", CultureInfo.InvariantCulture);

    public static DateTimeOffset ReadTime(string column) => DateTimeOffset.ParseExact(column, "O", CultureInfo.InvariantCulture);
}

[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
internal sealed partial class ArticleColumnsJson : JsonSerializerContext;
