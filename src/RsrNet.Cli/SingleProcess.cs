using Microsoft.Extensions.Logging;
using RsrNet.Core;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;
using RsrNet.Server;
using RsrNet.Server.Articles;
using RsrNet.Server.Configuration;
using RsrNet.Server.Documents;

namespace RsrNet.Cli;

/// <summary>The whole product in one process: store, checkpoints and learner, and the server before them.</summary>
internal sealed class SingleProcess : IAsyncDisposable
{
    private readonly ServerStorage storage;
    private readonly RsrNetServer server;

    private SingleProcess(ServerStorage storage, LocalLearner learner, RsrNetServer server, string engine)
    {
        this.storage = storage;
        Learner = learner;
        Engine = engine;
        this.server = server;
    }

    public LocalLearner Learner { get; }

    /// <summary>Name of the engine that runs the network.</summary>
    public string Engine { get; }

    /// <summary>Where the server listens; a free port that was asked for is filled in.</summary>
    public Uri Address => server.Addresses[0];

    /// <summary>The synthetic newswire; the dashboard's button stops and starts the same.</summary>
    public DemoStream Demo => server.Demo;

    /// <summary>The data folder, or the database.</summary>
    public string Place => storage.Place;

    /// <summary>Opens everything and begins to listen and to learn.</summary>
    /// <exception cref="Core.Documents.StoreUnavailableException">
    /// The data folder or the database is in use or cannot be written.
    /// </exception>
    /// <exception cref="WeightsRejectedException">The data was made with another encoder or network.</exception>
    /// <exception cref="AddressUnavailableException">Another program listens at the address.</exception>
    /// <exception cref="EngineUnavailableException">This edition or this machine lacks the engine of the configuration.</exception>
    public static async Task<SingleProcess> Start(
        ConfigurationFile configuration, EngineCatalog engines, Action<string> notice, CancellationToken cancellation)
    {
        var engine = engines.Find(configuration.Learner.Replicas.Engine);
        // Each is disposed by whoever opened it until all of them are there.
        var storage = await ServerStorage.Open(configuration.Server, configuration.Learner.Weights, cancellation);
        LocalLearner? learner = null;
        RsrNetServer? server = null;
        try
        {
            learner = await LocalLearner.Open(
                configuration.Learner, new HashedEncoder(), storage.Documents, storage.Checkpoints, engine.Create,
                warn: notice, cancellation: cancellation);
            server = RsrNetServer.Build(
                configuration.Server, configuration.Learner.Articles, learner,
                // What keeps the host from starting is thrown, and said once.
                builder => builder.Logging.AddProvider(new NoticeLogging(notice)).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None),
                dataFolder: storage.Folder);
            await server.Start(cancellation);
            learner.Start();
            return new SingleProcess(storage, learner, server, engine.Name);
        }
        catch
        {
            if (server is not null) await server.DisposeAsync();
            if (learner is not null) await learner.DisposeAsync();
            await storage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets requests finish, writes the last checkpoint, closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        await server.Stop(CancellationToken.None);
        await server.DisposeAsync();
        await Learner.DisposeAsync();
        await storage.DisposeAsync();
    }
}
