using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Grains.Articles;
using RsrNet.Grains.Weights;

namespace RsrNet.Grains.Documents;

[GenerateSerializer, Immutable, Alias("rsrnet.document-query")]
internal struct DocumentQueryWire
{
    [Id(0)] public DocumentStatus? Status;
    [Id(1)] public int Limit;
    [Id(2)] public string? Cursor;
}

[RegisterConverter]
internal sealed class DocumentQueryConverter : IConverter<DocumentQuery, DocumentQueryWire>
{
    public DocumentQuery ConvertFromSurrogate(in DocumentQueryWire surrogate) => new(surrogate.Status, surrogate.Limit, surrogate.Cursor);

    public DocumentQueryWire ConvertToSurrogate(in DocumentQuery value) => new() { Status = value.Status, Limit = value.Limit, Cursor = value.Cursor };
}

[GenerateSerializer, Immutable, Alias("rsrnet.document-page")]
internal struct DocumentPageWire
{
    [Id(0)] public DocumentListItemWire[] Items;
    [Id(1)] public string? Next;
}

[RegisterConverter]
internal sealed class DocumentPageConverter : IConverter<DocumentPage, DocumentPageWire>
{
    public DocumentPage ConvertFromSurrogate(in DocumentPageWire surrogate) => new([.. surrogate.Items.Select(item => item.ToItem())], surrogate.Next);

    public DocumentPageWire ConvertToSurrogate(in DocumentPage value) => new() { Items = [.. value.Items.Select(DocumentListItemWire.Of)], Next = value.Next };
}

[GenerateSerializer, Immutable, Alias("rsrnet.document-list-item")]
internal struct DocumentListItemWire
{
    [Id(0)] public string Id;
    [Id(1)] public int Revision;
    [Id(2)] public string Title;
    [Id(3)] public DocumentStatus Status;
    [Id(4)] public DateTimeOffset IngestedAt;
    [Id(5)] public bool HasHighlights;
    [Id(6)] public int Step;
    [Id(7)] public long? WeightVersion;
    [Id(8)] public float? ResidualY;
    [Id(9)] public float? ResidualZ;
    [Id(10)] public float? Confidence;
    [Id(11)] public float? Loss;
    [Id(12)] public float? Similarity;

    public static DocumentListItemWire Of(DocumentListItem item) => new()
    {
        Id = item.Id, Revision = item.Revision, Title = item.Title, Status = item.Status, IngestedAt = item.IngestedAt, HasHighlights = item.HasHighlights,
        Step = item.Step, WeightVersion = item.WeightVersion, ResidualY = item.ResidualY, ResidualZ = item.ResidualZ,
        Confidence = item.Confidence, Loss = item.Loss, Similarity = item.Similarity,
    };

    public readonly DocumentListItem ToItem() => new(
        Id, Revision, Title, Status, IngestedAt, HasHighlights, Step, WeightVersion, ResidualY, ResidualZ, Confidence, Loss, Similarity);
}

[GenerateSerializer, Immutable, Alias("rsrnet.refine-request")]
internal struct RefineRequestWire
{
    [Id(0)] public int? Steps;
    [Id(1)] public double? UntilResidual;
    [Id(2)] public TimeSpan? TimeLimit;
}

[RegisterConverter]
internal sealed class RefineRequestConverter : IConverter<RefineRequest, RefineRequestWire>
{
    public RefineRequest ConvertFromSurrogate(in RefineRequestWire surrogate) => new(surrogate.Steps, surrogate.UntilResidual, surrogate.TimeLimit);

    public RefineRequestWire ConvertToSurrogate(in RefineRequest value) =>
        new() { Steps = value.Steps, UntilResidual = value.UntilResidual, TimeLimit = value.TimeLimit };
}

[GenerateSerializer, Immutable, Alias("rsrnet.search-hit")]
internal struct SearchHitWire
{
    [Id(0)] public string Id;
    [Id(1)] public string? Title;
    [Id(2)] public float Score;
}

[RegisterConverter]
internal sealed class SearchHitConverter : IConverter<SearchHit, SearchHitWire>
{
    public SearchHit ConvertFromSurrogate(in SearchHitWire surrogate) => new(surrogate.Id, surrogate.Title, surrogate.Score);

    public SearchHitWire ConvertToSurrogate(in SearchHit value) => new() { Id = value.Id, Title = value.Title, Score = value.Score };
}

[GenerateSerializer, Immutable, Alias("rsrnet.document-map-view")]
internal struct DocumentMapViewWire
{
    [Id(0)] public long Revision;
    [Id(1)] public DocumentListItemWire[] Items;
    [Id(2)] public string?[] Labels;
    [Id(3)] public string[] PositionIds;
    [Id(4)] public FloatBlock Positions;
}

[RegisterConverter]
internal sealed class DocumentMapViewConverter : IConverter<DocumentMapView, DocumentMapViewWire>
{
    public DocumentMapView ConvertFromSurrogate(in DocumentMapViewWire surrogate)
    {
        var (labels, positions) = (surrogate.Labels, surrogate.Positions.Values!);
        return new DocumentMapView(
            surrogate.Revision,
            [.. surrogate.Items.Select((item, i) => new MapPoint(item.ToItem(), labels[i]))],
            [.. surrogate.PositionIds.Select((id, i) => new MapPosition(id, positions[2 * i], positions[2 * i + 1]))]);
    }

    public DocumentMapViewWire ConvertToSurrogate(in DocumentMapView value) => new()
    {
        Revision = value.Revision,
        Items = [.. value.Points.Select(point => DocumentListItemWire.Of(point.Item))],
        Labels = [.. value.Points.Select(point => point.Label)],
        PositionIds = [.. value.Positions.Select(position => position.Id)],
        Positions = (float[])[.. value.Positions.SelectMany(position => (float[])[position.X, position.Y])],
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.document-order")]
internal struct DocumentOrderWire
{
    [Id(0)] public DocumentSort By;
    [Id(1)] public bool Descending;
    [Id(2)] public DocumentStatus? Status;
    [Id(3)] public string? Title;
    [Id(4)] public int Skip;
    [Id(5)] public int Take;
}

[RegisterConverter]
internal sealed class DocumentOrderConverter : IConverter<DocumentOrder, DocumentOrderWire>
{
    public DocumentOrder ConvertFromSurrogate(in DocumentOrderWire surrogate) =>
        new(surrogate.By, surrogate.Descending, surrogate.Status, surrogate.Title, surrogate.Skip, surrogate.Take);

    public DocumentOrderWire ConvertToSurrogate(in DocumentOrder value) => new()
    {
        By = value.By, Descending = value.Descending, Status = value.Status, Title = value.Title, Skip = value.Skip, Take = value.Take,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.document-ranking")]
internal struct DocumentRankingWire
{
    [Id(0)] public DocumentListItemWire[] Items;
    [Id(1)] public int Found;
    [Id(2)] public int Known;
}

[RegisterConverter]
internal sealed class DocumentRankingConverter : IConverter<DocumentRanking, DocumentRankingWire>
{
    public DocumentRanking ConvertFromSurrogate(in DocumentRankingWire surrogate) =>
        new([.. surrogate.Items.Select(item => item.ToItem())], surrogate.Found, surrogate.Known);

    public DocumentRankingWire ConvertToSurrogate(in DocumentRanking value) =>
        new() { Items = [.. value.Items.Select(DocumentListItemWire.Of)], Found = value.Found, Known = value.Known };
}

[GenerateSerializer, Immutable, Alias("rsrnet.map-vector")]
internal struct MapVectorWire
{
    [Id(0)] public string Id;
    [Id(1)] public FloatBlock Y;
}

[RegisterConverter]
internal sealed class MapVectorConverter : IConverter<MapVector, MapVectorWire>
{
    public MapVector ConvertFromSurrogate(in MapVectorWire surrogate) => new(surrogate.Id, surrogate.Y.Values!);

    public MapVectorWire ConvertToSurrogate(in MapVector value) => new() { Id = value.Id, Y = value.Y };
}

[GenerateSerializer, Immutable, Alias("rsrnet.amendment")]
internal struct AmendmentWire
{
    [Id(0)] public string[]? Highlights;
    [Id(1)] public string[]? LabelNames;
    [Id(2)] public string[]? LabelValues;
}

[RegisterConverter]
internal sealed class AmendmentConverter : IConverter<Amendment, AmendmentWire>
{
    public Amendment ConvertFromSurrogate(in AmendmentWire surrogate) => new(
        surrogate.Highlights, surrogate.LabelNames is { } names ? ArticleWire.LabelsOf(names, surrogate.LabelValues!) : null);

    public AmendmentWire ConvertToSurrogate(in Amendment value) => new()
    {
        Highlights = value.Highlights is { } highlights ? [.. highlights] : null,
        LabelNames = value.Labels is { } labels ? [.. labels.Keys] : null,
        LabelValues = value.Labels is { } values ? [.. values.Values] : null,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.amend-outcome")]
internal struct AmendOutcomeWire
{
    [Id(0)] public PutOutcome Put;
    [Id(1)] public float? Similarity;
}

[RegisterConverter]
internal sealed class AmendOutcomeConverter : IConverter<AmendOutcome, AmendOutcomeWire>
{
    public AmendOutcome ConvertFromSurrogate(in AmendOutcomeWire surrogate) => new(surrogate.Put, surrogate.Similarity);

    public AmendOutcomeWire ConvertToSurrogate(in AmendOutcome value) => new() { Put = value.Put, Similarity = value.Similarity };
}
