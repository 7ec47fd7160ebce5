using Orleans.Serialization.Cloning;
using RsrNet.Core.Documents;
using RsrNet.Grains.Articles;
using RsrNet.Grains.Weights;

namespace RsrNet.Grains.Documents;

[GenerateSerializer, Immutable, Alias("rsrnet.document")]
internal struct DocumentWire
{
    [Id(0)] public ArticleWire Article;
    [Id(1)] public long Sequence;
    [Id(2)] public int Revision;
    [Id(3)] public DateTimeOffset IngestedAt;
    [Id(4)] public DocumentStatus Status;
    [Id(5)] public string? Failure;
    [Id(6)] public string? EncoderId;
    [Id(7)] public FloatBlock X;
    [Id(8)] public FloatBlock T;
    [Id(9)] public RefinementStateWire? State;
    [Id(10)] public TrajectoryPointWire[] Trajectory;
    [Id(11)] public long? LearnedAt;
    [Id(12)] public int RunStart;
    [Id(13)] public ArticleSentencesWire? Sentences;
}

/// <summary>Never changed after it was made, so that inside a silo the same object is handed on.</summary>
[RegisterCopier]
internal sealed class DocumentCopier : ShallowCopier<Document>;

/// <summary>Only the numbers that are not zero, where those are few; 10 to 20 KB for a usual article by the hashed encoder.</summary>
[GenerateSerializer, Immutable, Alias("rsrnet.article-sentences")]
internal struct ArticleSentencesWire
{
    [Id(0)] public string[] Texts;
    [Id(1)] public int[] Positions;
    [Id(2)] public int Dimensions;
    [Id(3)] public int[] Places;
    [Id(4)] public FloatBlock Values;
    [Id(5)] public FloatBlock Products;

    public static ArticleSentencesWire Of(ArticleSentences sentences) => new()
    {
        Texts = [.. sentences.Outlines.Select(outline => outline.Text)], Positions = [.. sentences.Outlines.Select(outline => outline.Position)],
        Dimensions = sentences.Dimensions, Places = sentences.Vectors.Places, Values = sentences.Vectors.Values, Products = sentences.Products,
    };

    public readonly ArticleSentences ToSentences()
    {
        SentenceOutline[] outlines = [.. Texts.Zip(Positions, SentenceOutline.Of)];
        return new ArticleSentences(outlines, new SentenceVectors(outlines.Length, Dimensions, Places, Values.Values!, Products.Values!));
    }
}

[RegisterConverter]
internal sealed class DocumentConverter : IConverter<Document, DocumentWire>
{
    public Document ConvertFromSurrogate(in DocumentWire surrogate) => new()
    {
        Article = surrogate.Article.ToArticle(),
        Sequence = surrogate.Sequence,
        Revision = surrogate.Revision,
        IngestedAt = surrogate.IngestedAt,
        Status = surrogate.Status,
        Failure = surrogate.Failure,
        Embedding = surrogate.EncoderId is { } encoder
            ? new DocumentEmbedding(encoder, surrogate.X.Values!, surrogate.T) { Sentences = surrogate.Sentences?.ToSentences() }
            : null,
        State = surrogate.State?.ToState(),
        Trajectory = surrogate.Trajectory.Length == 0 ? Trajectory.Empty : Trajectory.Of(surrogate.Trajectory.Select(point => point.ToPoint())),
        LearnedAt = surrogate.LearnedAt,
        RunStart = surrogate.RunStart,
    };

    public DocumentWire ConvertToSurrogate(in Document value) => new()
    {
        Article = ArticleWire.Of(value.Article),
        Sequence = value.Sequence,
        Revision = value.Revision,
        IngestedAt = value.IngestedAt,
        Status = value.Status,
        Failure = value.Failure,
        EncoderId = value.Embedding?.EncoderId,
        X = value.Embedding?.X,
        T = value.Embedding?.T,
        Sentences = value.Embedding?.Sentences is { } sentences ? ArticleSentencesWire.Of(sentences) : null,
        State = value.State is { } state ? RefinementStateWire.Of(state) : null,
        Trajectory = [.. value.Trajectory.Points.Select(TrajectoryPointWire.Of)],
        LearnedAt = value.LearnedAt,
        RunStart = value.RunStart,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.refinement-state")]
internal struct RefinementStateWire
{
    [Id(0)] public FloatBlock Y;
    [Id(1)] public FloatBlock Z;
    [Id(2)] public int Step;
    [Id(3)] public long WeightVersion;
    [Id(4)] public float ResidualY;
    [Id(5)] public float ResidualZ;
    [Id(6)] public float Confidence;
    [Id(7)] public float? Loss;
    [Id(8)] public float? Similarity;

    public static RefinementStateWire Of(RefinementState state) => new()
    {
        Y = state.Y, Z = state.Z, Step = state.Step, WeightVersion = state.WeightVersion, ResidualY = state.ResidualY, ResidualZ = state.ResidualZ,
        Confidence = state.Confidence, Loss = state.Loss, Similarity = state.Similarity,
    };

    public readonly RefinementState ToState() => new(Y.Values!, Z.Values!, Step, WeightVersion, ResidualY, ResidualZ, Confidence, Loss, Similarity);
}

[GenerateSerializer, Immutable, Alias("rsrnet.trajectory-point")]
internal struct TrajectoryPointWire
{
    [Id(0)] public int Step;
    [Id(1)] public long WeightVersion;
    [Id(2)] public float ResidualY;
    [Id(3)] public float ResidualZ;
    [Id(4)] public float Confidence;
    [Id(5)] public float? Loss;
    [Id(6)] public DateTimeOffset At;

    public static TrajectoryPointWire Of(TrajectoryPoint point) => new()
    {
        Step = point.Step, WeightVersion = point.WeightVersion, ResidualY = point.ResidualY, ResidualZ = point.ResidualZ,
        Confidence = point.Confidence, Loss = point.Loss, At = point.At,
    };

    public readonly TrajectoryPoint ToPoint() => new(Step, WeightVersion, ResidualY, ResidualZ, Confidence, Loss, At);
}

[RegisterConverter]
internal sealed class TrajectoryPointConverter : IConverter<TrajectoryPoint, TrajectoryPointWire>
{
    public TrajectoryPoint ConvertFromSurrogate(in TrajectoryPointWire surrogate) => surrogate.ToPoint();

    public TrajectoryPointWire ConvertToSurrogate(in TrajectoryPoint value) => TrajectoryPointWire.Of(value);
}
