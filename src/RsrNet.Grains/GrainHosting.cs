using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Hosting;
using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;
using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Core.Telemetry;
using RsrNet.Core.Weights;
using RsrNet.Grains.Articles;
using RsrNet.Grains.Coordination;
using RsrNet.Grains.Coordination.Models;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;
using RsrNet.Grains.Telemetry;

namespace RsrNet.Grains;

/// <summary>What a silo brings to the cluster's learner.</summary>
public sealed record SiloParts
{
    public required RsrNetOptions Options { get; init; }

    public required ITextEncoder Encoder { get; init; }

    /// <summary>The same documents on every silo. Not disposed by the silo.</summary>
    public required IDocumentStore Store { get; init; }

    /// <summary>The same checkpoints on every silo; null keeps weights in memory alone.</summary>
    public ICheckpointStore? Checkpoints { get; init; }

    /// <summary>The same text models on every silo.</summary>
    public required IModelStore Models { get; init; }

    /// <summary>Null where this silo reads no SentencePiece vocabularies.</summary>
    public ReadSentencePiece? ReadSentencePiece { get; init; }

    /// <summary>What text models are computed on; null for Core's own.</summary>
    public EngineCatalog? TextEngines { get; init; }

    /// <summary>Makes an engine for the network of either mode.</summary>
    public Func<RecursionShape, RecursionOptions, IRecursionEngine> Engine { get; init; } = EngineCatalog.OfCore().Find("cpu").Create;

    /// <summary>The engine's name, for people.</summary>
    public string EngineName { get; init; } = "cpu";

    /// <summary>What the engines run on.</summary>
    public string Device { get; init; } = ReplicaEngines.Cpu;

    /// <summary><see cref="SiloRole.Cpu"/> or <see cref="SiloRole.Gpu"/>.</summary>
    public string Role { get; init; } = SiloRole.Cpu;
}

public static class GrainHosting
{
    /// <summary>
    /// Makes a silo part of the cluster's learner. Clustering, reminders and the storage <c>PubSubStore</c> of the stream <see cref="ArticleStream.Name"/> are the
    /// host's to choose.
    /// </summary>
    public static ISiloBuilder AddRsrNet(this ISiloBuilder silo, SiloParts parts, GrainOptions? options = null)
    {
        silo.UseSiloMetadata(SiloRole.Metadata(parts.Role, parts.Device));
        silo.AddPlacementDirector<ReplicaPlacement, ReplicaPlacementDirector>();
        silo.AddMemoryStreams(ArticleStream.Name);
        silo.AddGrainService<SiloTelemetry>();
        silo.AddGrainService<SiloDocuments>();
        silo.AddStartupTask((services, _) => services.GetRequiredService<LearningWatch>().Start());
        silo.ConfigureServices(services =>
        {
            services.AddPlacementFilter<PreferCpuSilos, PreferCpuSilosDirector>(ServiceLifetime.Singleton);
            services.TryAddSingleton(TimeProvider.System);
            services.AddSingleton(parts.Options);
            services.AddSingleton(parts.Encoder);
            services.AddSingleton(new ArticleReader(parts.Encoder, readsSentences: parts.Options.Learning == LearningMode.Residual));
            services.AddSingleton(parts.Store); // as a value: the container leaves it to its owner to dispose
            if (parts.Checkpoints is not null) services.AddSingleton(parts.Checkpoints);
            services.AddSingleton(parts.Models);
            services.AddSingleton(parts.TextEngines ?? EngineCatalog.OfCore());
            if (parts.ReadSentencePiece is not null) services.AddSingleton(parts.ReadSentencePiece);
            services.AddSingleton(options ?? new GrainOptions());
            services.AddSingleton(_ => new ReplicaEngines(parts.Engine, parts.Device, parts.Options, parts.Encoder));
            services.AddSingleton<ReplicaPlaces>();
            services.AddSingleton<SiloNeighbours>();
            services.AddSingleton<LearningWatch>();
            services.AddSingleton(provider => new LearnerTelemetry(
                provider.GetRequiredService<TimeProvider>(), parts.EngineName, provider.GetRequiredService<ILocalSiloDetails>().Name));
            services.AddSingleton<ISiloTelemetryClient, SiloTelemetryClient>();
            services.AddSingleton<ISiloDocumentsClient, SiloDocumentsClient>();
            services.AddSingleton<DocumentWriter>();
            services.AddSingleton<IntakeGauge>();
            services.AddSingleton<SearchShards>();
            services.AddSingleton<SiloExchange>();
            services.AddSingleton<ClusterLearner>();
            services.AddSingleton<ClusterModels>();
        });
        return silo;
    }

    /// <summary>Makes a client of the cluster a gateway to its learner: <see cref="ClusterLearner"/>, <see cref="ClusterModels"/> and the stream of articles.</summary>
    public static IClientBuilder AddRsrNet(this IClientBuilder client, ITextEncoder encoder, GrainOptions? options = null)
    {
        client.AddMemoryStreams(ArticleStream.Name);
        client.ConfigureServices(services =>
        {
            services.AddSingleton(encoder);
            services.AddSingleton(options ?? new GrainOptions());
            services.AddSingleton<SearchShards>();
            services.AddSingleton<ClusterLearner>();
            services.AddSingleton<ClusterModels>();
        });
        return client;
    }
}
