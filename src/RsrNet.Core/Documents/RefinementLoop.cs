using RsrNet.Core.Coordination;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Documents;

/// <summary>
/// Documents under refinement, in order of their turn. Each step takes those that have been here longest; one that has converged, or has used up its steps,
/// gives its place to the next at once.
/// </summary>
internal sealed class RefinementLoop(
    DocumentOptions options, IDocumentStore store, ActiveDocuments documents, ArticleReader reader, Replica replica, LearnerWeights weights,
    LearnerTelemetry telemetry, TimeProvider time)
{
    private readonly List<ActiveDocument> underway = [];
    private long refreshedVersion;

    public int Count => underway.Count;

    /// <summary>Gives a document a new run of refinement.</summary>
    public void Add(ActiveDocument taken)
    {
        // One that somebody asked for before its turn may have let go of its sentences when that was done.
        taken.Document = reader.Read(taken.Document).NewRun();
        taken.Mixing = options.Acceleration > 0 ? new AndersonMixing(options.Acceleration) : null;
        if (taken.UnderRefinement) return;
        taken.UnderRefinement = true;
        // Somebody waits for it: it goes first.
        if (taken.HasRequests) underway.Insert(0, taken);
        else underway.Add(taken);
    }

    /// <summary>One supervision step for the documents that have been under refinement longest; those that are done make room for others.</summary>
    /// <returns>Whether there was anything to do.</returns>
    public bool Step()
    {
        underway.RemoveAll(taken => taken.Gone);
        foreach (var taken in underway) taken.AnswerLate();
        List<ActiveDocument> batch = [.. underway.Where(taken => !taken.InTraining).Take(options.RefineBatch)];
        if (batch.Count == 0) return false;
        var startedAt = time.GetTimestamp();
        var (current, version) = weights.Current;
        replica.Load(current, version);
        replica.Place(batch.ConvertAll(taken => taken.Document));
        replica.Refine();
        telemetry.OnRefined(batch.Count, startedAt);
        for (var row = 0; row < batch.Count; row++)
        {
            var before = batch[row].Document.State;
            documents.Record(batch[row], replica, row, trained: false, version);
            batch[row].Mix(before);
        }
        underway.RemoveAll(taken =>
        {
            if (!taken.Document.IsFinished || taken.HasRequests) return false;
            taken.UnderRefinement = false;
            telemetry.OnFinished(taken.Document);
            taken.Document = taken.Document.WithoutSentences();
            return true;
        });
        foreach (var taken in batch) if (!taken.UnderRefinement) documents.Unsaved.Add(taken);
        return true;
    }

    /// <summary>Gives idle time to documents that were refined with older weights.</summary>
    /// <param name="lastUpdateAt">When the weights last changed.</param>
    /// <returns>Whether there were any.</returns>
    public async Task<bool> TakeStale(long? lastUpdateAt)
    {
        if (!options.RefreshWhenIdle) return false;
        // While learning goes on weights change many times a second; only documents well behind are worth the work then.
        var learning = lastUpdateAt is { } last && time.GetElapsedTime(last).TotalSeconds < options.RefreshSettleSeconds;
        var version = weights.Version - (learning ? options.RefreshLag : 0);
        if (version <= refreshedVersion) return false;
        var stale = await store.ReadStale(version, options.RefineBatch);
        if (stale.Count == 0) refreshedVersion = version;
        var before = underway.Count;
        foreach (var document in stale)
        {
            if (!documents.TryFind(document.Id, out _)) Add(documents.Hold(reader.Read(document)));
        }
        return underway.Count > before;
    }

    /// <summary>Leaves everything as it is: for those who set the pace themselves.</summary>
    public void Clear()
    {
        foreach (var taken in underway) taken.UnderRefinement = false;
        underway.Clear();
    }
}
