using Orleans.Concurrency;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Weights;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Coordination;

/// <summary>The challenger beside the cluster's weights. There is one, with the key 0; it does something only where the options want a challenger.</summary>
[Alias("rsrnet.shadow-grain")]
public interface IShadowGrain : IGrainWithIntegerKey
{
    /// <summary>A replica has learned from documents that it foretold before.</summary>
    /// <param name="lean">With sentences and highlights.</param>
    /// <param name="cosines">Of what was foretold, one for each.</param>
    /// <param name="rouge">Of the summaries as served.</param>
    [Alias("on-judged"), OneWay]
    Task OnJudged([Immutable] Document[] lean, [Immutable] double[] cosines, [Immutable] double[] rouge);

    /// <inheritdoc cref="ResidualModel.Forget"/>
    [Alias("forget"), OneWay]
    Task Forget(int articles);

    /// <inheritdoc cref="ILearner.ReadShadow"/>
    [Alias("read")]
    Task<ShadowReport?> Read();

    /// <summary>The challenger as it stands, and how it learns.</summary>
    [Alias("snapshot"), ResponseTimeout("00:02:00")]
    Task<Challenger> Snapshot();

    /// <summary>From now on the former champion is the challenger.</summary>
    /// <param name="champion">What served until now.</param>
    /// <param name="learning">How it learned.</param>
    /// <param name="version">At which the challenger took over.</param>
    [Alias("swap"), ResponseTimeout("00:02:00")]
    Task Swap(Checkpoint champion, ResidualOptions learning, long version);
}

[GenerateSerializer, Immutable, Alias("rsrnet.challenger")]
public sealed record Challenger([property: Id(0)] Checkpoint Weights, [property: Id(1)] ResidualOptions Options);

/// <summary>Owns the challenger's model, which learns on a thread of its own. With its silo it is lost, and begins anew; nobody is served by it.</summary>
[Reentrant, KeepAlive, PreferCpuSilos]
internal sealed class ShadowGrain(ITextEncoder encoder, RsrNetOptions options, TimeProvider time) : Grain, IShadowGrain
{
    private readonly ShadowModel? model =
        options.Shadow.Enabled ? new ShadowModel(encoder.Dimensions, options.Shadow, options.Coordination) : null;

    private bool promoting;

    private ShadowModel Model => model ?? throw new InvalidOperationException("the options name no challenger");

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (model is not null) await Task.Run(async () => await model.DisposeAsync(), cancellationToken);
    }

    public async Task OnJudged(Document[] lean, double[] cosines, double[] rouge)
    {
        if (model is null) return;
        model.OnJudged([.. lean.Select(ReadArticle.Of)], cosines, rouge);
        if (promoting || !await Task.Run(() => model.IsReady)) return;
        promoting = true;
        try
        {
            await GrainFactory.GetGrain<ICoordinatorGrain>(0).PromoteShadow();
        }
        finally
        {
            promoting = false;
        }
    }

    public Task Forget(int articles)
    {
        model?.Forget(articles);
        return Task.CompletedTask;
    }

    // Reading and copying wait for the batch that is being learned: no short turn.
    public Task<ShadowReport?> Read() => Task.Run(() => model?.Read());

    public Task<Challenger> Snapshot() => Task.Run(() =>
    {
        var (weights, learning) = Model.Snapshot(encoder.Id, time.GetUtcNow());
        return new Challenger(weights, learning);
    });

    public Task Swap(Checkpoint champion, ResidualOptions learning, long version) => Task.Run(() => Model.Swap(champion, learning, version));
}
