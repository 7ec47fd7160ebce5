using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;
using RsrNet.Grains.Telemetry;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// The coordinator. Its memory is the weights since the last checkpoint and what is known to be applied; when it is lost with a silo, the next activation
/// begins a new term from the checkpoint, and has the store unlearn what the checkpoint does not hold.
/// </summary>
[Reentrant, KeepAlive, PreferCpuSilos]
internal sealed class CoordinatorGrain(
    IDocumentStore store, ITextEncoder encoder, RsrNetOptions options, GrainOptions grainOptions, ISiloTelemetryClient silos,
    ISiloDocumentsClient documents, LearningWatch watch, SiloNeighbours neighbours, TimeProvider time,
    ILogger<CoordinatorGrain> logger, ICheckpointStore? checkpoints = null) : Grain, ICoordinatorGrain, IRemindable, IDisposable
{
    private const string TermSetting = "term";
    private const string Reminder = "learn";

    /// <summary>Orleans' shortest: after the silo of the coordinator has died and nobody asks for it, learning goes on within this time.</summary>
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly LearnerTelemetry telemetry = new(time);
    private readonly BacklogGauge gauge = new(store, time);
    private readonly CancellationTokenSource stop = new();
    private GradientExchange exchange = null!;
    private CheckpointKeeper? keeper;
    private Dispatch dispatch = null!;
    private Task learning = Task.CompletedTask;

    /// <summary>The learning mode's name.</summary>
    private string Mode => Coordinator.NameOf(options.Learning);

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // First what may fail while a silo is on its way out: a term that was begun is over when the activation fails.
        await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod, cancellationToken);
        await StoreEncoder.Check(store, encoder, cancellationToken);
        var term = await BeginTerm(cancellationToken);
        var coordinator = new Coordinator(
            RecursionInitialization.Create(options.Shape(encoder.Dimensions), options.Recursion.Seed), options.Coordination,
            options.Learning == LearningMode.Residual ? options.Residual : null);
        exchange = new GradientExchange(coordinator, options.Coordination, options.Recursion, term, time);
        if (checkpoints is not null && await checkpoints.LoadNewest(warning => logger.LogWarning("{Warning}", warning), cancellationToken) is { } checkpoint)
        {
            CheckEncoder(checkpoint);
            exchange.Restore(checkpoint);
        }
        // First nobody may write any more what the term before has taught: it would come to stand as learned, and be in no weights.
        await documents.Close(term);
        var again = await store.Unlearn(exchange.Version, cancellationToken);
        await documents.Open(term);
        if (again > 0) logger.LogWarning("{Documents} documents were learned after the newest checkpoint (version {Version}) and will be learned anew", again, exchange.Version);
        keeper = new CheckpointKeeper(exchange, checkpoints, encoder.Id, options, HoldsTerm, telemetry, time);
        var sample = new LearnedSample(options);
        var drift = new DriftReaction(encoder.Dimensions, options.Drift, options.Learning == LearningMode.Residual ? Forget : null, telemetry, time);
        dispatch = new Dispatch(options, grainOptions, store, GrainFactory, exchange, sample, drift, keeper, telemetry, time, logger);
        await dispatch.Remember(cancellationToken);
        learning = Learn();
        logger.LogInformation("term {Term} begins at weight version {Version}", term, exchange.Version);

        void Forget(int articles)
        {
            exchange.Forget(articles);
            sample.Shrink(articles);
            if (options.Shadow.Enabled) GrainFactory.GetGrain<IShadowGrain>(0).Forget(articles).Ignore();
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await stop.CancelAsync();
        await learning;
        try
        {
            // On an ordered way out nothing is lost; on any other the next term begins from the checkpoint before.
            await (keeper?.SaveIfNewer() ?? Task.CompletedTask).WaitAsync(cancellationToken);
        }
#pragma warning disable CA1031 // whatever it is, the activation ends, and the next one finds the checkpoint before
        catch (Exception exception)
        {
            logger.LogWarning(exception, "the last weights could not be saved");
        }
#pragma warning restore CA1031
        if (keeper is not null) watch.OnLeft();
    }

    public void Dispose()
    {
        keeper?.Dispose();
        gauge.Dispose();
        stop.Dispose();
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Wake();

    public Task Wake()
    {
        dispatch.Wake();
        // Each silo that joins calls this, and the reminder does: one that began on a silo with a GPU, because no other was there, does not stay.
        if (neighbours.LeaveTheRest) DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public async Task Rest()
    {
        await stop.CancelAsync();
        await learning;
        await keeper!.SaveIfNewer();
    }

    public Task OnArrived()
    {
        dispatch.OnArrival();
        return Task.CompletedTask;
    }

    public Task OnUnfinished(string id)
    {
        dispatch.Offer(id);
        return Task.CompletedTask;
    }

    public Task OnDeleted(string id)
    {
        dispatch.OnDeleted(id);
        return Task.CompletedTask;
    }

    public Task OnProblem(string part, string? message)
    {
        if (message is null) telemetry.OnRecovered(part);
        else telemetry.OnProblem(part, message);
        return Task.CompletedTask;
    }

    public Task<PublishedWeights> ReadWeights(long atLeast) => exchange.ReadWeights(atLeast);

    public async Task<ContributionAnswer> Contribute(Contribution contribution)
    {
        var version = exchange.Version;
        var answer = await exchange.Contribute(contribution);
        if (exchange.Version > version) dispatch.Wake();
        return answer;
    }

    public async Task<WeightSummary[]> ListWeights()
    {
        var kept = checkpoints is null ? [] : await checkpoints.List();
        var now = Snapshot();
        var current = kept.FirstOrDefault(summary => summary.Version == now.Version)
            ?? new WeightSummary(now.Version, now.CreatedAt, now.Loss, encoder.Id, Mode, 0, true);
        return [current with { Current = true }, .. kept.Where(summary => summary.Version != current.Version)];
    }

    public async Task<Checkpoint?> FindWeights(long? version) =>
        version is null || version == exchange.Version ? Snapshot()
        : checkpoints is null ? null
        : await checkpoints.Find(version.Value);

    public async Task<long> ImportWeights(Checkpoint weights)
    {
        CheckEncoder(weights);
        var before = Snapshot();
        var version = exchange.Adopt(weights);
        try
        {
            await keeper!.Save();
        }
        catch
        {
            exchange.Restore(before);
            throw;
        }
        return version;
    }

    public async Task<long?> PromoteShadow()
    {
        if (!options.Shadow.Enabled) return null;
        var shadow = GrainFactory.GetGrain<IShadowGrain>(0);
        if (checkpoints is not null) await keeper!.Save(pinned: true);
        var challenger = await shadow.Snapshot();
        var (champion, learning) = (Snapshot(), exchange.Residual!);
        var version = exchange.Adopt(challenger.Weights with { Residual = challenger.Weights.Residual! with { Promoted = challenger.Options } });
        await shadow.Swap(champion, learning, version);
        if (checkpoints is not null) await keeper!.Save();
        return version;
    }

    public Task<WeightSummary> SaveWeights() => keeper!.Save();

    public async Task<TelemetrySnapshot> ReadTelemetry() =>
        (telemetry.Read(
            await gauge.Read(CancellationToken.None), exchange.Version, keeper!.DurableVersion, encoder.Id, Mode, keeper.UnsavedAge, exchange.Regressions) with
        {
            RefusedGradients = exchange.RefusedGradients,
            StaleGradients = exchange.StaleContributions,
        }).With(await silos.ReadAll());

    public Task<PublishedWeights?> ReadReadout(long term, long version) => Task.FromResult(
        options.Learning != LearningMode.Residual || (term == exchange.Term && version == exchange.Version) ? null : exchange.Current);

    private async Task Learn()
    {
        try
        {
            await dispatch.Run(stop.Token);
        }
#pragma warning disable CA1031 // a new activation begins where the last checkpoint is
        catch (Exception exception)
        {
            logger.LogError(exception, "the coordinator cannot go on and begins anew");
            DeactivateOnIdle();
        }
#pragma warning restore CA1031
    }

    private Checkpoint Snapshot() => exchange.Snapshot(encoder.Id, Mode, time.GetUtcNow());

    private void CheckEncoder(Checkpoint checkpoint)
    {
        if (checkpoint.EncoderId is { } id && id != encoder.Id)
            throw new WeightsRejectedException($"the weights were trained on vectors of the encoder '{id}'; this cluster uses '{encoder.Id}'");
    }

    private async Task<long> BeginTerm(CancellationToken cancellation)
    {
        var term = await ReadTerm(cancellation) + 1;
        await store.WriteSetting(TermSetting, term.ToString(System.Globalization.CultureInfo.InvariantCulture), cancellation);
        return term;
    }

    private async Task<long> ReadTerm(CancellationToken cancellation) =>
        await store.ReadSetting(TermSetting, cancellation) is { } text ? long.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 0;

    /// <summary>Whether no other activation has begun a newer term: one that was cut off from the cluster must not write over what that one learns.</summary>
    private async Task<bool> HoldsTerm()
    {
        if (await ReadTerm(CancellationToken.None) == exchange.Term) return true;
        DeactivateOnIdle();
        return false;
    }
}
