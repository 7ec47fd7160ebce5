using System.Runtime.CompilerServices;
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
    IDocumentStore store, ArticleReader reader, DocumentWriter writer, SearchShards search, LearnerTelemetry telemetry, RsrNetOptions options,
    TimeProvider time)
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

    public async Task<Document?> Find()
    {
        await LookAgain();
        return document?.WithoutSentences();
    }

    public async IAsyncEnumerable<TrajectoryPoint> Watch(long sequence, int revision, int after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await LookAgain();
        // A newer revision is the same document; one whose revisions begin anew is not.
        if (document is null || (document.Sequence != sequence && document.Revision <= revision)) yield break;
        await using var steps = watchers.Watch(Id, cancellation).GetAsyncEnumerator(cancellation);
        var next = steps.MoveNextAsync(); // followed from here on
        foreach (var step in document.Trajectory.Points.Where(step => step.Step > after)) yield return step;
        while (await next)
        {
            yield return steps.Current;
            next = steps.MoveNextAsync();
        }
    }

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

    public async Task<AmendOutcome?> Amend(Amendment amendment)
    {
        await LookAgain();
        if (document is not { } found) return null;
        // Not on the grain's scheduler: the highlights are embedded.
        var outcome = await Task.Run(() => amendment.Apply(found, store, reader, CancellationToken.None));
        if (outcome.Put.Duplicate) return outcome;
        await Reload();
        if (document is not null) GrainFactory.GetGrain<IDocumentMapGrain>(0).Put(document.WithoutText()).Ignore();
        // The store is the queue: from there it comes in its turn, with the state it has.
        GrainFactory.TellLearners();
        return outcome;
    }

    public async Task<Readiness> Prepare(long term)
    {
        await Follow(term);
        await Read();
        if (document is null) DeactivateOnIdle();
        return Readiness.Of(document);
    }

    public async Task<Document?> Take(long term)
    {
        await Follow(term);
        await Read();
        if (document is null) DeactivateOnIdle();
        return document?.Lean();
    }

    public async Task MarkLearned(long term, long sequence, long version)
    {
        await Follow(term);
        if (term < this.term || document is null || document.Sequence != sequence) return;
        document = document with { LearnedAt = version };
        if (!await writer.Save(document, this.term)) await ReadAnew();
    }

    public async Task<bool> Record(int baseStep, Document stepped)
    {
        if (document is null || document.Sequence != stepped.Sequence || (document.State?.Step ?? 0) != baseStep) return false;
        var (before, trajectory) = (document.State?.Loss, document.Trajectory);
        foreach (var point in stepped.Trajectory.Points)
        {
            trajectory = trajectory.Add(point, options.Documents.TrajectoryLimit);
            telemetry.OnStepped(stepped, point, trained: point.Loss is not null && !reader.ReadsSentences);
            watchers.OnStep(Id, point);
        }
        var isLearned = stepped.Trajectory.Points.Any(point => point.Loss is not null);
        if (stepped.Trajectory.Points.IsEmpty && stepped.State?.Loss is { } loss && loss != before)
        {
            // It was foretold long before it was learned from, and that was no step of its own.
            isLearned = true;
            trajectory = trajectory.WithLoss(loss);
        }
        document = document with
        {
            State = stepped.State, Status = stepped.Status, Failure = stepped.Failure, RunStart = stepped.RunStart, Trajectory = trajectory,
        };
        if (isLearned) telemetry.OnLearned(document, telemetry.Timestamp());
        else if (document.IsFinished) telemetry.OnFinished(document);
        if (document.IsFinished) document = document.WithoutSentences();
        if (!await writer.Save(document, term))
        {
            await ReadAnew();
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
        await Read();
        if (document is not { State: not null, Embedding: not null }) return null;
        return await ReplicaGrain.Any(GrainFactory, Id, options).MeasureContraction(document.Lean());
    }

    public async Task<Document?> Refine(RefineRequest request)
    {
        var (steps, untilResidual) = request.Bounds(options.Documents);
        var begunAt = time.GetTimestamp();
        for (var tries = 0; tries < Tries; tries++)
        {
            await Read();
            if (document?.Embedding is null) break;
            var taken = document.NewRun().Lean();
            var left = request.TimeLimit - time.GetElapsedTime(begunAt);
            var stepped = await ReplicaGrain.Any(GrainFactory, Id, options).RefineNow(taken, steps, untilResidual, left);
            if (!await Record(taken.State?.Step ?? 0, stepped)) continue;
            if (document is { IsFinished: false }) await GrainFactory.GetGrain<ICoordinatorGrain>(0).OnUnfinished(Id);
            break;
        }
        if (document is null) DeactivateOnIdle();
        return document?.WithoutSentences();
    }

    /// <summary>An activation that found no document must not keep saying so: one may have come since.</summary>
    private async Task LookAgain()
    {
        if (document is null) await Reload();
        if (document is null) DeactivateOnIdle();
    }

    /// <summary>In a new term the coordinator's weights may have fallen back, and what was learned since is unlearned in the store.</summary>
    private async Task Follow(long term)
    {
        writer.OnTerm(term);
        if (term > this.term) await ReadAnew();
    }

    /// <summary>As the newest term that this silo has heard of left it.</summary>
    private Task ReadAnew()
    {
        term = writer.Term;
        return Reload();
    }

    /// <summary>Gives the document the vectors it lacks; where two ask at once, the first to be ready counts.</summary>
    private async Task Read()
    {
        if (document is null) await Reload();
        if (document is not { } before || !reader.Lacks(before) || before is { Status: DocumentStatus.Failed, Embedding: null }) return;
        var startedAt = telemetry.Timestamp();
        Func<Document, Document> change;
        try
        {
            // Not on the grain's scheduler: a large encoder takes longer than a turn may.
            var embedding = await Task.Run(() => reader.Read(before).Embedding);
            change = one => one with { Embedding = embedding };
        }
        // An encoder may be anybody's; whatever it throws concerns this one text.
#pragma warning disable CA1031
        catch (Exception exception)
        {
            change = one => one.Failing($"the encoder {reader.Encoder.Id} could not embed the text: {exception.Message}");
        }
#pragma warning restore CA1031
        if (document is null || document.Sequence != before.Sequence || !reader.Lacks(document)) return;
        var isNew = ArticleReader.IsBare(document);
        document = change(document);
        if (isNew) telemetry.OnEmbedded(document, startedAt);
        if (document.Status == DocumentStatus.Failed && !await writer.Save(document, term)) await ReadAnew();
    }
}
