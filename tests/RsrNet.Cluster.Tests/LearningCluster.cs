using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.TestingHost;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Learner;
using RsrNet.Core.Weights;
using RsrNet.Grains;
using RsrNet.Grains.Articles;
using RsrNet.Grains.Coordination.Models;
using RsrNet.Server.Tests;

namespace RsrNet.Cluster.Tests;

/// <summary>Silos in this process, real in all but the network, over one store and one set of checkpoints.</summary>
internal sealed class LearningCluster : IAsyncDisposable
{
    private readonly InProcessTestCluster cluster;
    private readonly TemporaryFolder folder;

    private LearningCluster(InProcessTestCluster cluster, IDocumentStore store, ICheckpointStore checkpoints, RsrNetOptions options, TemporaryFolder folder)
    {
        this.cluster = cluster;
        this.folder = folder;
        (Store, Checkpoints, Options) = (store, checkpoints, options);
    }

    public static RsrNetOptions SmallOptions { get; } = new()
    {
        Learning = LearningMode.Notebook,
        Replicas = new RecursionOptions { Hidden = 8, Latent = 4, StopConfidence = 2 },
        Coordination = new CoordinationOptions { BatchSize = 6, MinimumBatch = 2, BatchWaitMs = 20, Replicas = 3 },
        Documents = new DocumentOptions { MaxSteps = 8, RefineBatch = 8, RefreshWhenIdle = false },
        Weights = new WeightOptions { CheckpointUpdates = 12, CheckpointSeconds = 5 },
    };

    /// <summary>The residual mode, as small.</summary>
    public static RsrNetOptions ResidualOptions { get; } = SmallOptions with
    {
        Learning = LearningMode.Residual, Residual = new ResidualOptions { Hidden = 8, Latent = 4, ReservoirSize = 50 },
    };

    public IDocumentStore Store { get; }

    public ICheckpointStore Checkpoints { get; }

    public RsrNetOptions Options { get; }

    public InProcessTestCluster Silos => cluster;

    public IClusterClient Client => cluster.Client;

    public ClusterLearner Learner => cluster.Client.ServiceProvider.GetRequiredService<ClusterLearner>();

    public ClusterModels Models => cluster.Client.ServiceProvider.GetRequiredService<ClusterModels>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="silos">How many at the start.</param>
    /// <param name="mortal">Whether silos will be killed.</param>
    /// <param name="parts">Changes what a silo brings; the number is the silo's, from 0.</param>
    /// <param name="models">Null for a folder of the cluster's own, which goes with it.</param>
    public static async Task<LearningCluster> Start(
        int silos, RsrNetOptions? options = null, IDocumentStore? store = null, ICheckpointStore? checkpoints = null,
        Func<int, SiloParts, SiloParts>? parts = null, GrainOptions? grains = null, ITextEncoder? encoder = null, bool mortal = false,
        IModelStore? models = null)
    {
        options ??= SmallOptions;
        store ??= new MemoryDocumentStore();
        checkpoints ??= new MemoryCheckpoints();
        encoder ??= new TinyEncoder();
        var folder = new TemporaryFolder();
        models ??= new ModelFolder(folder.Path);
        var builder = new InProcessTestClusterBuilder((short)silos);
        builder.ConfigureSilo((about, silo) =>
        {
            var own = new SiloParts { Options = options, Encoder = encoder, Store = store, Checkpoints = checkpoints, Models = models };
            silo.AddRsrNet(parts is null ? own : parts(int.Parse(about.SiloName.Split('_')[1], CultureInfo.InvariantCulture), own), grains);
            silo.AddMemoryGrainStorage("PubSubStore");
            silo.UseInMemoryReminderService();
            // Where silos are killed, their deaths are found out sooner than in production. Not so fast that a busy machine's slowness is taken for one.
            if (mortal) silo.Configure<ClusterMembershipOptions>(membership => membership.ProbeTimeout = TimeSpan.FromSeconds(3));
            silo.ConfigureLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        });
        builder.ConfigureClient(client => client.AddRsrNet(encoder, grains));
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new LearningCluster(cluster, store, checkpoints, options, folder);
    }

    public static Article Labelled(int i) =>
        new($"a{i}", $"the story {i} tells of town {i * 7} and of river {i * 13}") { Highlights = [$"story {i} of town {i * 7}"] };

    public static Article Unlabelled(int i) => new($"a{i}", $"a plain report {i} about hill {i * 5} without a summary");

    /// <summary>Only full batches: what is learned together does not depend on how fast the documents come.</summary>
    public static RsrNetOptions InFullBatches(RsrNetOptions options) =>
        options with { Coordination = options.Coordination with { BatchWaitMs = 3_600_000 } };

    /// <summary>Every third one without highlights.</summary>
    public static Article[] Articles(int first, int count) =>
        [.. Enumerable.Range(first, count).Select(i => i % 3 == 0 ? Unlabelled(i) : Labelled(i))];

    /// <summary>A silo by its number; silos start together, and <see cref="InProcessTestCluster.Silos"/> is in the order in which they were ready.</summary>
    public InProcessSiloHandle Silo(int number) => cluster.Silos.Single(silo => silo.InstanceNumber == number);

    /// <summary>Until each silo has heard from each what it is: a moment after they have joined.</summary>
    public Task Acquainted() => Eventually(
        () => Task.FromResult(cluster.Silos.All(silo => cluster.Silos.All(other =>
            silo.ServiceProvider.GetRequiredService<ISiloMetadataCache>().GetSiloMetadata(other.SiloAddress).Metadata.Count > 0))),
        "the silos' acquaintance");

    /// <summary>Where a grain is active; activates it where that is needed.</summary>
    public async Task<InProcessSiloHandle> SiloOf(IAddressable grain)
    {
        var id = grain.GetGrainId();
        while (true)
        {
            foreach (var silo in cluster.Silos)
            {
                var statistics = await Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics(null, [silo.SiloAddress]);
                if (statistics.Any(one => one.GrainId == id)) return silo;
            }
            await Task.Delay(100, Cancellation);
        }
    }

    public Task Settled(int documents) => Settled(Learner, documents);

    public static Task Settled(ILearner learner, int documents) => Eventually(async () =>
        await learner.List(new DocumentQuery(Limit: 1000), Cancellation) is { } page
        && page.Items.Count == documents
        && page.Items.All(item => item.Status is DocumentStatus.Converged or DocumentStatus.Exhausted or DocumentStatus.Failed));

    public static async Task Eventually(Func<Task<bool>> condition, string what = "it")
    {
        // Five minutes are a hang, not a bound on speed.
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(5))
        {
            try
            {
                if (await condition()) return;
            }
            catch (StoreUnavailableException)
            {
                // A silo has gone, and the others have not noticed yet.
            }
            await Task.Delay(50, Cancellation);
        }
        Assert.Fail($"{what} did not come to that in five minutes");
    }

    /// <summary>Calls a grain, and again while the cluster mends itself.</summary>
    public static async Task<T> Persist<T>(Func<Task<T>> call)
    {
        var answer = default(T);
        await Eventually(async () =>
        {
            try
            {
                answer = await call();
                return true;
            }
            catch (Exception problem) when (problem is OrleansException or TimeoutException)
            {
                return false;
            }
        }, "the call");
        return answer!;
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.DisposeAsync();
        folder.Dispose();
    }
}
