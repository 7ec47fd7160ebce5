using RsrNet.Core;
using RsrNet.Core.Documents;

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
}

[RegisterConverter]
internal sealed class RefineRequestConverter : IConverter<RefineRequest, RefineRequestWire>
{
    public RefineRequest ConvertFromSurrogate(in RefineRequestWire surrogate) => new(surrogate.Steps, surrogate.UntilResidual);

    public RefineRequestWire ConvertToSurrogate(in RefineRequest value) => new() { Steps = value.Steps, UntilResidual = value.UntilResidual };
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
