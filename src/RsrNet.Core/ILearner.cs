using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;

namespace RsrNet.Core;

/// <summary>
/// The product behind the HTTP API: articles go in, refined documents come out, weights get better on the way. <see cref="LocalLearner"/> does it
/// in one process; a cluster does the same behind the same contract tests.
/// </summary>
public interface ILearner : IAsyncDisposable
{
    /// <summary>Stores articles, in order, and queues them. Durable once completed.</summary>
    /// <exception cref="BacklogFullException">Too many documents wait already; nothing was stored.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot write; nothing was stored.</exception>
    Task<IReadOnlyList<PutOutcome>> Ingest(IReadOnlyList<Article> articles, CancellationToken cancellation = default);

    Task<Document?> Find(string id, CancellationToken cancellation = default);

    Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default);

    /// <summary>
    /// Adds highlights or labels to a document that is there already, as its next revision: scored with what was foretold before, then learned. Durable once
    /// completed.
    /// </summary>
    /// <returns>Null where there is no such document.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot write; nothing was stored.</exception>
    Task<AmendOutcome?> Amend(string id, Amendment amendment, CancellationToken cancellation = default) =>
        throw new NotSupportedException("this learner takes highlights and labels only with their article");

    /// <summary>Refines a document now, continuing from its state with the current weights.</summary>
    /// <param name="request">How far.</param>
    /// <returns>The document after it, or null where there is none.</returns>
    Task<Document?> Refine(string id, RefineRequest request, CancellationToken cancellation = default);

    /// <summary>The document's supervision steps as they happen, from now on; ends when the document is deleted.</summary>
    IAsyncEnumerable<TrajectoryPoint> Watch(string id, CancellationToken cancellation = default);

    /// <summary>Removes a document from store, search and replay.</summary>
    Task<bool> Delete(string id, CancellationToken cancellation = default);

    /// <summary>The nearest documents, best first. Null where the query names a document that is not there.</summary>
    Task<IReadOnlyList<SearchHit>?> Search(SearchQuery query, CancellationToken cancellation = default);

    /// <summary>The best sentences of a document, in article order, and which readout chose them.</summary>
    ValueTask<ReadoutSummary> Summarize(Document document, CancellationToken cancellation = default);

    /// <summary>Versions that can be had: the kept checkpoints and the current one; newest first.</summary>
    Task<IReadOnlyList<WeightSummary>> ListWeights(CancellationToken cancellation = default);

    /// <summary>One version's weights with its optimiser state; null version for the current one; null where it is not kept.</summary>
    Task<Checkpoint?> FindWeights(long? version, CancellationToken cancellation = default);

    /// <summary>Goes on from other weights, as a new version. The optimiser starts anew where the import has no state for it.</summary>
    /// <exception cref="WeightsRejectedException">Shapes, encoder or numbers do not fit; nothing changed.</exception>
    /// <returns>The new version.</returns>
    Task<long> ImportWeights(Checkpoint weights, CancellationToken cancellation = default);

    /// <summary>Makes an earlier version the current one again, under a new number. Null where it is not kept.</summary>
    Task<long?> RestoreWeights(long version, CancellationToken cancellation = default);

    /// <summary>Writes a checkpoint now.</summary>
    Task<WeightSummary> SaveWeights(CancellationToken cancellation = default);

    /// <summary>How the challenger does beside the champion; null where there is none.</summary>
    Task<ShadowReport?> ReadShadow(CancellationToken cancellation = default) => Task.FromResult<ShadowReport?>(null);

    /// <summary>The challenger's weights and options serve from now on, as the next version; the champion's version is pinned, and learns on as the challenger.</summary>
    /// <returns>The new version; null where there is no challenger.</returns>
    Task<long?> PromoteShadow(CancellationToken cancellation = default) => Task.FromResult<long?>(null);

    Task<TelemetrySnapshot> ReadTelemetry(CancellationToken cancellation = default);

    /// <summary>Where the documents that changed last lie on a plane. Empty where the learner keeps no map.</summary>
    /// <param name="since">Revision of the last view; 0 for everything.</param>
    Task<DocumentMapView> ReadMap(long since = 0, CancellationToken cancellation = default) => Task.FromResult(DocumentMapView.Empty);

    /// <summary>Documents, sorted; in order of arrival, and without a choice, where the learner keeps no map.</summary>
    async Task<DocumentRanking> Rank(DocumentOrder order, CancellationToken cancellation = default)
    {
        var page = await List(new DocumentQuery(order.Status, Math.Min(1000, order.Skip + order.Take)), cancellation);
        return new DocumentRanking([.. page.Items.Skip(order.Skip)], page.Items.Count, page.Items.Count);
    }

    /// <summary>The spectral radius of a supervision step at a document's state (<see cref="Contraction"/>). Null where there is no such document,
    /// no state, or nobody who measures.</summary>
    Task<double?> MeasureContraction(string id, CancellationToken cancellation = default) => Task.FromResult<double?>(null);

    /// <summary>Where documents would lie if nothing had been learned: y by the network's initial weights, on the plane of both.</summary>
    /// <param name="ids">At most 2000.</param>
    Task<MapComparison> CompareWithUntrained(IReadOnlyList<string> ids, CancellationToken cancellation = default) => Task.FromResult(MapComparison.Empty);
}

/// <param name="Steps">At most so many supervision steps; null for one, or for the step limit where <paramref name="UntilResidual"/> is given.</param>
/// <param name="UntilResidual">Stop once both residuals are below this; null to do all steps.</param>
/// <param name="TimeLimit">
/// Answer after so long with the document as far as it has come, but not before its first step; null to wait. Alone it goes on until the tolerance is reached.
/// </param>
public sealed record RefineRequest(int? Steps = null, double? UntilResidual = null, TimeSpan? TimeLimit = null)
{
    /// <summary>What is left where something was left out.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one step.</exception>
    internal (int Steps, double? UntilResidual) Bounds(DocumentOptions options)
    {
        var until = UntilResidual ?? (this is { Steps: null, TimeLimit: not null } ? options.Tolerance : null);
        var steps = Steps ?? (until is null ? 1 : options.MaxSteps);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1, "steps");
        return (steps, until);
    }
}

/// <param name="Text">Search by text; or</param>
/// <param name="Id">by a document, which is not among its own results.</param>
/// <param name="K">At most so many results; 1 to 1000.</param>
public sealed record SearchQuery(string? Text, string? Id, int K = 10);

/// <param name="Score">Cosine, in [-1, 1].</param>
public sealed record SearchHit(string Id, string? Title, float Score);

/// <param name="Position">Index of the sentence in the article, from 0.</param>
/// <param name="Score">
/// Higher is better; comparable inside one document. Of the learned readout: the foretold share of its words and word pairs that human highlights
/// would have, about [0, 2].
/// </param>
/// <param name="Contributions">What each feature added to the score beyond the article's average sentence, largest first; null where no features count.</param>
public sealed record SummarySentence(string Sentence, int Position, float Score, IReadOnlyList<FeatureContribution>? Contributions = null);

/// <summary>More documents wait for refinement than <see cref="ArticleLimits.Backlog"/>; try again after a while.</summary>
public sealed class BacklogFullException(long backlog, TimeSpan retryAfter)
    : Exception($"{backlog:N0} documents wait for refinement already; try again in {retryAfter.TotalSeconds:0} s")
{
    public long Backlog { get; } = backlog;

    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>Weights that cannot be taken over; the message names the tensor and the problem.</summary>
public sealed class WeightsRejectedException(string message) : Exception(message);
