using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Documents;

/// <summary>
/// The documents in the learning loop's hands, from the backlog until the store has their last value, and what follows from that value: search, map and
/// followers. Changed by the loop alone; <see cref="TryFind"/> is for anybody.
/// </summary>
internal sealed class ActiveDocuments : IDisposable
{
    private readonly ConcurrentDictionary<string, ActiveDocument> active = new(StringComparer.Ordinal);
    private readonly DocumentOptions options;
    private readonly LearnerTelemetry telemetry;
    private readonly TimeProvider time;

    /// <param name="dimensions">d</param>
    public ActiveDocuments(int dimensions, DocumentOptions options, IDocumentStore store, LearnerTelemetry telemetry, TimeProvider time)
    {
        this.options = options;
        this.telemetry = telemetry;
        this.time = time;
        Index = new SearchIndex(dimensions);
        Map = new DocumentMap(dimensions);
        Unsaved = new UnsavedDocuments(store, telemetry, time, OnSaved, LetGo);
    }

    public SearchIndex Index { get; }

    public DocumentMap Map { get; }

    public DocumentWatchers Watchers { get; } = new();

    public UnsavedDocuments Unsaved { get; }

    /// <summary>Called with the id of a document that went away, so that nobody learns from it any more.</summary>
    public Action<string> OnGone { get; set; } = static _ => { };

    /// <summary>The newest value of a document, which may be ahead of the store's.</summary>
    public bool TryFind(string id, [NotNullWhen(true)] out ActiveDocument? taken) => active.TryGetValue(id, out taken);

    /// <summary>Takes a document in hand. An older revision of it is let go: its save, should one be under way, must not bring it back into the search.</summary>
    public ActiveDocument Hold(Document document)
    {
        if (active.TryGetValue(document.Id, out var before) && before.Document.Sequence != document.Sequence) LetGo(before);
        return active[document.Id] = new ActiveDocument(document);
    }

    /// <summary>The document was deleted, or has a newer revision; once is enough, for by then the newer one may be known by the same id.</summary>
    public void LetGo(ActiveDocument taken)
    {
        if (taken.Gone) return;
        taken.Leave();
        OnGone(taken.Document.Id);
        active.TryRemove(KeyValuePair.Create(taken.Document.Id, taken));
    }

    /// <summary>After the store has deleted a document.</summary>
    public void Forget(string id)
    {
        if (active.TryGetValue(id, out var taken)) LetGo(taken);
        OnGone(id);
        Index.Remove(id);
        Map.Remove(id);
        Watchers.OnDeleted(id);
    }

    /// <summary>Takes over the supervision step that a row of the replica's batch has just been through.</summary>
    public void Record(ActiveDocument taken, Replica replica, int row, bool trained, long version)
    {
        var before = taken.Document;
        var stepped = replica.Stepped(before, row, trained, version, time.GetUtcNow(), options);
        taken.Step(stepped);
        if (ReferenceEquals(stepped.State, before.State)) return;
        telemetry.OnStepped(stepped, stepped.Trajectory.Points[^1], trained);
        Watchers.OnStep(stepped.Id, stepped.Trajectory.Points[^1]);
    }

    /// <summary>Tells those who wait for a refinement that there will be none.</summary>
    public void Fail(Exception exception)
    {
        foreach (var taken in active.Values) taken.Fail(exception);
    }

    public void Dispose() => Index.Dispose();

    /// <summary>The store has the document as it is: if nothing more is to be done, its memory is free.</summary>
    private void OnSaved(ActiveDocument taken)
    {
        var document = taken.Document;
        if (!taken.Gone && document.Embedding is { } embedding)
            Index.Put(document.Id, document.Article.Headline, SearchVector.Of(embedding.X, document.State?.Y));
        if (!taken.Gone) Map.Put(document);
        if (!taken.AwaitsTraining && !taken.AwaitsTurn && !taken.UnderRefinement) active.TryRemove(KeyValuePair.Create(document.Id, taken));
    }
}
