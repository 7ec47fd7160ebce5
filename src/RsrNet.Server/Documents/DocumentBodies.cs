using System.Text.Json.Serialization;
using RsrNet.Core;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <param name="Y">||y_k - y_{k-1}|| / ||y_k|| of the last supervision step; null before the first.</param>
/// <param name="Z">The same of z.</param>
public sealed record ResidualBody(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] float? Y,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] float? Z);

/// <summary>A document as the API shows it.</summary>
public sealed record DocumentBody
{
    public required string Id { get; init; }

    public required int Revision { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? Title { get; init; }

    public required DocumentStatus Status { get; init; }

    /// <summary>Why the status is failed.</summary>
    public string? Failure { get; init; }

    /// <summary>Supervision steps so far.</summary>
    public required int Step { get; init; }

    /// <summary>The weights of the last step; null before the first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required long? WeightVersion { get; init; }

    /// <summary>q, in [0, 1]; null before the first step.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required float? Confidence { get; init; }

    public required ResidualBody Residual { get; init; }

    /// <summary>The training loss of the last step that trained; left out where none did.</summary>
    public float? Loss { get; init; }

    /// <summary>Cosine of y to the highlights' embedding; left out without highlights.</summary>
    public float? Similarity { get; init; }

    public required DateTimeOffset IngestedAt { get; init; }

    /// <summary>The bounded past, oldest first.</summary>
    public required IReadOnlyList<TrajectoryPoint> Trajectory { get; init; }

    /// <summary>
    /// Which readout chose the summary: learned, lead (the first sentences, until the learned one has proved better) or nearest (by cosine to y, in the
    /// notebook's mode).
    /// </summary>
    public required string Readout { get; init; }

    /// <summary>The best sentences, in article order; each with what every feature added to its score beyond the article's average sentence.</summary>
    public required IReadOnlyList<SummarySentence> Summary { get; init; }

    /// <summary>The article, with <c>include=text</c>.</summary>
    public string? Text { get; init; }

    /// <summary>[d] the summary embedding, with <c>include=vectors</c>.</summary>
    public float[]? Y { get; init; }

    /// <summary>[L] the latent, with <c>include=vectors</c>.</summary>
    public float[]? Z { get; init; }

    public static DocumentBody Of(Document document, ReadoutSummary summary, bool vectors, bool text) => new()
    {
        Id = document.Id,
        Revision = document.Revision,
        Title = document.Article.Title,
        Status = document.Status,
        Failure = document.Failure,
        Step = document.State?.Step ?? 0,
        WeightVersion = document.State?.WeightVersion,
        Confidence = document.State?.Confidence,
        Residual = new ResidualBody(document.State?.ResidualY, document.State?.ResidualZ),
        Loss = document.State?.Loss,
        Similarity = document.State?.Similarity,
        IngestedAt = document.IngestedAt,
        Trajectory = document.Trajectory.Points,
        Readout = summary.Readout,
        Summary = summary.Sentences,
        Text = text ? document.Article.Text : null,
        Y = vectors ? document.State?.Y : null,
        Z = vectors ? document.State?.Z : null,
    };
}

/// <summary>A document in a list: without trajectory, summary, text and vectors.</summary>
public sealed record DocumentItemBody
{
    public required string Id { get; init; }

    public required int Revision { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? Title { get; init; }

    public required DocumentStatus Status { get; init; }

    public required int Step { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required long? WeightVersion { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required float? Confidence { get; init; }

    public required ResidualBody Residual { get; init; }

    public float? Loss { get; init; }

    public float? Similarity { get; init; }

    public required DateTimeOffset IngestedAt { get; init; }

    public required bool HasHighlights { get; init; }

    public static DocumentItemBody Of(DocumentListItem item) => new()
    {
        Id = item.Id,
        Revision = item.Revision,
        Title = item.Title,
        Status = item.Status,
        Step = item.Step,
        WeightVersion = item.WeightVersion,
        Confidence = item.Confidence,
        Residual = new ResidualBody(item.ResidualY, item.ResidualZ),
        Loss = item.Loss,
        Similarity = item.Similarity,
        IngestedAt = item.IngestedAt,
        HasHighlights = item.HasHighlights,
    };
}

/// <param name="Next">The cursor of the next page; left out at the end.</param>
public sealed record DocumentListBody(IReadOnlyList<DocumentItemBody> Items, string? Next = null);

/// <param name="Steps">At most so many supervision steps; one where both are left out.</param>
/// <param name="UntilResidual">Stop once both residuals are below this.</param>
/// <param name="TimeLimitMs">Answer after so many milliseconds with the document as far as it has come. Alone it goes on until the tolerance is reached.</param>
public sealed record RefineBody(int? Steps = null, double? UntilResidual = null, int? TimeLimitMs = null);

/// <param name="Text">Search by text, or</param>
/// <param name="Id">by a document, which is not among its own results.</param>
/// <param name="K">At most so many results; 10 where left out.</param>
public sealed record SearchBody(string? Text = null, string? Id = null, int? K = null);

/// <param name="Score">Cosine, in [-1, 1].</param>
public sealed record SearchHitBody(string Id, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Title, float Score);

public sealed record SearchHits(IReadOnlyList<SearchHitBody> Items);
