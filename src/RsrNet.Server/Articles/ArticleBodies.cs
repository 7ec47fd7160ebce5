using RsrNet.Core.Documents;

namespace RsrNet.Server.Articles;

/// <summary>
/// An article as clients send it; for the API's description. <see cref="Core.Articles.ArticleJson"/> reads it, to name every problem.
/// </summary>
/// <param name="Text">The article; at least one letter or digit.</param>
/// <param name="Id">1 to 200 letters, digits and - . _ : ~ @; left out to have one made from the content.</param>
/// <param name="Highlights">Sentences by a human editor, which the document learns from.</param>
/// <param name="Labels">Class labels by label name.</param>
/// <param name="PublishedAt">RFC 3339.</param>
public sealed record ArticleRequest(
    string Text, string? Id = null, string? Title = null, IReadOnlyList<string>? Highlights = null,
    IReadOnlyDictionary<string, string>? Labels = null, DateTimeOffset? PublishedAt = null);

/// <param name="Revision">1 at first; one more each time the same id came with other content.</param>
/// <param name="Duplicate">True where the same id with the same content was there already; else left out.</param>
public sealed record ArticleReceipt(string Id, int Revision, DocumentStatus Status, bool? Duplicate = null);

/// <param name="Accepted">Articles stored by this request.</param>
/// <param name="Duplicates">Articles that were there already.</param>
public sealed record LinesReceipt(long Accepted, long Duplicates, IReadOnlyList<LineProblem> Rejected);

/// <param name="Line">From 1.</param>
public sealed record LineProblem(long Line, string Error);
