using Orleans.Concurrency;
using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Telemetry;
using RsrNet.Grains.Coordination;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Documents;

/// <summary>
/// One document. The store behind <see cref="IDocumentStore"/> keeps it, not Orleans' grain storage: lists, the queue and the search index are queries over
/// all documents, which a store of single states cannot answer, and many grains' changes share one commit.
/// </summary>
/// <remarks>Nothing is locked over an await: a replica's steps are taken in if nobody has stepped the document meanwhile, and dropped otherwise.</remarks>
[Reentrant, PreferCpuSilos]
internal sealed class DocumentGrain(
    IDocumentStore store, ITextEncoder encoder, DocumentWriter writer, SearchShards search, LearnerTelemetry telemetry, RsrNetOptions options)
    : Grain, IDocumentGrain
{
    /// <summary>Tries of a request while replicas step the document, too.</summary>
    private const int Tries = 20;

    private readonly DocumentWatchers watchers = new();
    private Document? document;
    private long term;

    private string Id => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        term = writer.Term;
        await Reload();
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        watchers.Complete();
        return Task.CompletedTask;
    }

    public Task<Document?> Find()
    {
        if (document is null) DeactivateOnIdle();
        return Task.FromResult(document);
    }

    public IAsyncEnumerable<TrajectoryPoint> Watch(CancellationToken cancellation) => watchers.Watch(Id, cancellation);

    public async Task Reload() => document = await store.Find(Id);

    public async Task<bool> Delete()
    {
        var deleted = await store.Delete(Id);
        document = null;
        watchers.OnDeleted(Id);
        await search.Remove(Id);
        await GrainFactory.GetGrain<IDocumentMapGrain>(0).Remove(Id);
        await GrainFactory.GetGrain<ICoordinatorGrain>(0).OnDeleted(Id);
        DeactivateOnIdle();
        return deleted;
    }

    public async Task<Readiness> Prepare(long term)
    {
        await Follow(term);
        await Embed();
        if (document is null) DeactivateOnIdle();
        return Readiness.Of(document);
    }

    public async Task<Document?> Take(long term)
    {
        await Follow(term);
        await Embed();
        return document?.Lean();
    }

    public async Task MarkLearned(long term, long sequence, long version)
    {
        await Follow(term);
        if (term < this.term || document is null || document.Sequence != sequence) return;
        document = document with { LearnedAt = version };
        if (!await writer.Save(document)) await Reload();
    }

    public async Task<bool> Record(int baseStep, Document stepped)
    {
        if (document is null || document.Sequence != stepped.Sequence || (document.State?.Step ?? 0) != baseStep) return false;
        var trajectory = document.Trajectory;
        foreach (var point in stepped.Trajectory.Points)
        {
            trajectory = trajectory.Add(point, options.Documents.TrajectoryLimit);
            telemetry.OnStepped(stepped, point, trained: point.Loss is not null);
            watchers.OnStep(Id, point);
        }
        document = document with
        {
            State = stepped.State, Status = stepped.Status, Failure = stepped.Failure, RunStart = stepped.RunStart, Trajectory = trajectory,
        };
        if (stepped.Trajectory.Points.Any(point => point.Loss is not null)) telemetry.OnLearned(document, telemetry.Timestamp());
        else if (document.IsFinished) telemetry.OnFinished(document);
        if (!await writer.Save(document))
        {
            await Reload();
            return false;
        }
        if (document?.Embedding is { } embedding)
        {
            await search.Put(Id, document.Article.Headline, SearchVector.Of(embedding.X, document.State?.Y));
            GrainFactory.GetGrain<IDocumentMapGrain>(0).Put(document.WithoutText()).Ignore();
        }
        if (document is { IsFinished: true } && !watchers.HasAny) DeactivateOnIdle();
        return true;
    }

    public async Task<double?> MeasureContraction()
    {
        await Embed();
        if (document is not { State: not null, Embedding: not null }) return null;
        return await ReplicaGrain.Any(GrainFactory, Id, options).MeasureContraction(document.Lean());
    }

    public async Task<Document?> Refine(RefineRequest request)
    {
        var steps = request.Steps ?? (request.UntilResidual is null ? 1 : options.Documents.MaxSteps);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1, "steps");
        for (var tries = 0; tries < Tries; tries++)
        {
            await Embed();
            if (document?.Embedding is null) break;
            var taken = document.NewRun().Lean();
            var stepped = await ReplicaGrain.Any(GrainFactory, Id, options).RefineNow(taken, steps, request.UntilResidual);
            if (!await Record(taken.State?.Step ?? 0, stepped)) continue;
            if (document is { IsFinished: false }) await GrainFactory.GetGrain<ICoordinatorGrain>(0).OnUnfinished(Id);
            break;
        }
        return document;
    }

    /// <summary>In a new term the coordinator's weights may have fallen back, and what was learned since is unlearned in the store.</summary>
    private async Task Follow(long term)
    {
        writer.OnTerm(term);
        if (term <= this.term) return;
        this.term = term;
        await Reload();
    }

    private async Task Embed()
    {
        if (document is null || document.Embedding is not null || document.Status == DocumentStatus.Failed) return;
        var (article, sequence, startedAt) = (document.Article, document.Sequence, telemetry.Timestamp());
        Func<Document, Document> change;
        try
        {
            // Not on the grain's scheduler: a large encoder takes longer than a turn may.
            var embedding = await Task.Run(() => encoder.Embed(article));
            change = one => one with { Embedding = embedding };
        }
        // An encoder may be anybody's; whatever it throws concerns this one text.
#pragma warning disable CA1031
        catch (Exception exception)
        {
            change = one => one.Failing($"the encoder {encoder.Id} could not embed the text: {exception.Message}");
        }
#pragma warning restore CA1031
        if (document is null || document.Sequence != sequence || document.Embedding is not null) return;
        document = change(document);
        telemetry.OnEmbedded(document, startedAt);
        if (document.Status == DocumentStatus.Failed) await writer.Save(document);
    }
}
