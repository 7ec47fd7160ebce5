using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Grains.Articles;

[GenerateSerializer, Immutable, Alias("rsrnet.article")]
internal struct ArticleWire
{
    [Id(0)] public string Id;
    [Id(1)] public string Text;
    [Id(2)] public string? Title;
    [Id(3)] public string[] Highlights;
    [Id(4)] public string[] LabelNames;
    [Id(5)] public string[] LabelValues;
    [Id(6)] public DateTimeOffset? PublishedAt;

    public static ArticleWire Of(Article article) => new()
    {
        Id = article.Id, Text = article.Text, Title = article.Title, Highlights = [.. article.Highlights],
        LabelNames = [.. article.Labels.Keys], LabelValues = [.. article.Labels.Values], PublishedAt = article.PublishedAt,
    };

    public readonly Article ToArticle() => new(Id, Text)
    {
        Title = Title, Highlights = Highlights, Labels = LabelsOf(LabelNames, LabelValues), PublishedAt = PublishedAt,
    };

    public static SortedDictionary<string, string> LabelsOf(string[] names, string[] values)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++) labels[names[i]] = values[i];
        return labels;
    }
}

[RegisterConverter]
internal sealed class ArticleConverter : IConverter<Article, ArticleWire>
{
    public Article ConvertFromSurrogate(in ArticleWire surrogate) => surrogate.ToArticle();

    public ArticleWire ConvertToSurrogate(in Article value) => ArticleWire.Of(value);
}

[GenerateSerializer, Immutable, Alias("rsrnet.article-draft")]
internal struct ArticleDraftWire
{
    [Id(0)] public string? Id;
    [Id(1)] public string? Text;
    [Id(2)] public string? Title;
    [Id(3)] public string[] Highlights;
    [Id(4)] public string[] LabelNames;
    [Id(5)] public string[] LabelValues;
    [Id(6)] public DateTimeOffset? PublishedAt;
}

[RegisterConverter]
internal sealed class ArticleDraftConverter : IConverter<ArticleDraft, ArticleDraftWire>
{
    public ArticleDraft ConvertFromSurrogate(in ArticleDraftWire surrogate) => new()
    {
        Id = surrogate.Id, Text = surrogate.Text, Title = surrogate.Title, Highlights = surrogate.Highlights,
        Labels = ArticleWire.LabelsOf(surrogate.LabelNames, surrogate.LabelValues), PublishedAt = surrogate.PublishedAt,
    };

    public ArticleDraftWire ConvertToSurrogate(in ArticleDraft value) => new()
    {
        Id = value.Id, Text = value.Text, Title = value.Title, Highlights = [.. value.Highlights],
        LabelNames = [.. value.Labels.Keys], LabelValues = [.. value.Labels.Values], PublishedAt = value.PublishedAt,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.put-outcome")]
internal struct PutOutcomeWire
{
    [Id(0)] public string Id;
    [Id(1)] public int Revision;
    [Id(2)] public long Sequence;
    [Id(3)] public DateTimeOffset IngestedAt;
    [Id(4)] public bool Duplicate;
    [Id(5)] public DocumentStatus Status;
}

[RegisterConverter]
internal sealed class PutOutcomeConverter : IConverter<PutOutcome, PutOutcomeWire>
{
    public PutOutcome ConvertFromSurrogate(in PutOutcomeWire surrogate) =>
        new(surrogate.Id, surrogate.Revision, surrogate.Sequence, surrogate.IngestedAt, surrogate.Duplicate, surrogate.Status);

    public PutOutcomeWire ConvertToSurrogate(in PutOutcome value) => new()
    {
        Id = value.Id, Revision = value.Revision, Sequence = value.Sequence, IngestedAt = value.IngestedAt, Duplicate = value.Duplicate, Status = value.Status,
    };
}
