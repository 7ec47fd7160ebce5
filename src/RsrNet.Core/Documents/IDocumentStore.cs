using RsrNet.Core.Articles;

namespace RsrNet.Core.Documents;

/// <summary>
/// Keeps documents durably. Every method may be called from many threads. What a completed <see cref="Put"/> or <see cref="Save"/> wrote survives
/// a killed process and a lost power supply. All implementations pass the same contract tests.
/// </summary>
public interface IDocumentStore : IAsyncDisposable
{
    /// <summary>A named value beside the documents (the encoder's identity, for one); null where it was never written.</summary>
    Task<string?> ReadSetting(string name, CancellationToken cancellation = default);

    Task WriteSetting(string name, string value, CancellationToken cancellation = default);

    /// <summary>
    /// Stores articles in one commit, in order. Same id and content: a duplicate, nothing changes. Same id and other content: the next
    /// revision, pending, without state, at the end of the queue. Concurrent calls share commits (group commit).
    /// </summary>
    /// <exception cref="StoreUnavailableException">The disk is full, the folder is read-only or the database cannot be reached: nothing of the call was stored.</exception>
    Task<IReadOnlyList<PutOutcome>> Put(IReadOnlyList<Article> articles, CancellationToken cancellation = default);

    Task<Document?> Find(string id, CancellationToken cancellation = default);

    /// <summary>Writes status, embedding, state and trajectory in one commit. A document that was deleted or has a newer revision by now is passed over.</summary>
    /// <returns>The sequences of those that were passed over: of one id an older revision may be among the documents, and a newer one, too.</returns>
    Task<IReadOnlyList<long>> Save(IReadOnlyList<Document> documents, CancellationToken cancellation = default);

    /// <returns>Whether there was such a document.</returns>
    Task<bool> Delete(string id, CancellationToken cancellation = default);

    /// <summary>A page of documents in order of arrival, without vectors and trajectories.</summary>
    Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default);

    /// <summary>Pending and refining documents with a sequence above <paramref name="afterSequence"/>, in order of arrival, whole.</summary>
    Task<IReadOnlyList<Document>> ReadUnfinished(long afterSequence, int limit, CancellationToken cancellation = default);

    /// <summary>Converged, exhausted and failed documents whose last step used weights older than <paramref name="version"/>, oldest weights first, whole.</summary>
    Task<IReadOnlyList<Document>> ReadStale(long version, int limit, CancellationToken cancellation = default);

    /// <summary>The latest documents that were learned from, whole; newest first.</summary>
    Task<IReadOnlyList<Document>> ReadLearned(int limit, CancellationToken cancellation = default);

    /// <summary>
    /// After weights fell back to <paramref name="version"/>: documents learned at a later version become pending again, so that they are learned anew;
    /// weight versions above it in states are lowered to it.
    /// </summary>
    /// <returns>How many documents will be learned anew.</returns>
    Task<int> Unlearn(long version, CancellationToken cancellation = default);

    /// <summary>Id, title and vectors of every embedded document, in order of arrival, for the search index.</summary>
    IAsyncEnumerable<IndexedDocument> ReadIndex(CancellationToken cancellation = default);

    Task<DocumentCounts> Count(CancellationToken cancellation = default);
}

/// <param name="Duplicate">The same id with the same content was there already.</param>
/// <param name="Status">The document's status after the call.</param>
public readonly record struct PutOutcome(string Id, int Revision, long Sequence, DateTimeOffset IngestedAt, bool Duplicate, DocumentStatus Status);

/// <param name="Title"><see cref="Article.Headline"/>.</param>
/// <param name="Y">[d], null until refined.</param>
public sealed record IndexedDocument(string Id, string Title, float[] X, float[]? Y);

/// <param name="Status">Only these; null for all.</param>
/// <param name="Limit">At most so many items; 1 to 1000.</param>
/// <param name="Cursor">Where the page before ended (<see cref="DocumentPage.Next"/>); null for the first page.</param>
public sealed record DocumentQuery(DocumentStatus? Status = null, int Limit = 50, string? Cursor = null);

/// <param name="Next">The cursor of the next page; null at the end.</param>
public sealed record DocumentPage(IReadOnlyList<DocumentListItem> Items, string? Next);

public sealed record DocumentListItem(
    string Id, int Revision, string Title, DocumentStatus Status, DateTimeOffset IngestedAt, bool HasHighlights,
    int Step, long? WeightVersion, float? ResidualY, float? ResidualZ, float? Confidence, float? Loss, float? Similarity)
{
    public static DocumentListItem Of(Document document) =>
        new(document.Id, document.Revision, document.Article.Headline, document.Status, document.IngestedAt, document.Article.HasHighlights,
            document.State?.Step ?? 0, document.State?.WeightVersion, document.State?.ResidualY, document.State?.ResidualZ,
            document.State?.Confidence, document.State?.Loss, document.State?.Similarity);
}

/// <summary>How many documents have which status.</summary>
public readonly record struct DocumentCounts(long Pending, long Refining, long Converged, long Exhausted, long Failed)
{
    public long Total => Pending + Refining + Converged + Exhausted + Failed;

    /// <summary>Documents that wait for refinement to begin or to end.</summary>
    public long Unfinished => Pending + Refining;
}

/// <summary>The store cannot write or read now; nothing of the call took effect. The message says what to do.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
