using Microsoft.Extensions.Logging;
using RsrNet.Core;
using RsrNet.Core.Embedding;
using RsrNet.Core.Weights;
using RsrNet.Server;
using RsrNet.Server.Configuration;
using RsrNet.Server.Documents;

namespace RsrNet.Cli;

/// <summary>The whole product in one process: store, checkpoints and learner over one data folder, and the server before them.</summary>
internal sealed class SingleProcess : IAsyncDisposable
{
    private readonly SqliteDocumentStore store;
    private readonly RsrNetServer server;

    private SingleProcess(SqliteDocumentStore store, LocalLearner learner, RsrNetServer server)
    {
        this.store = store;
        Learner = learner;
        this.server = server;
    }

    public LocalLearner Learner { get; }

    /// <summary>Where the server listens; a free port that was asked for is filled in.</summary>
    public Uri Address => server.Addresses[0];

    public string DataFolder => store.Folder;

    /// <summary>Opens everything and begins to listen and to learn.</summary>
    /// <exception cref="Core.Documents.StoreUnavailableException">The data folder is in use or cannot be written.</exception>
    /// <exception cref="WeightsRejectedException">The data was made with another encoder or network.</exception>
    /// <exception cref="AddressUnavailableException">Another program listens at the address.</exception>
    public static async Task<SingleProcess> Start(ConfigurationFile configuration, Action<string> notice, CancellationToken cancellation)
    {
        // Each is disposed by whoever opened it until all of them are there.
        var store = SqliteDocumentStore.Open(configuration.Server.Data);
        LocalLearner? learner = null;
        RsrNetServer? server = null;
        try
        {
            var checkpoints = new CheckpointFolder(Path.Combine(store.Folder, "weights"), configuration.Learner.Weights);
            learner = await LocalLearner.Open(
                configuration.Learner, new HashedEncoder(), store, checkpoints, warn: notice, cancellation: cancellation);
            server = RsrNetServer.Build(
                configuration.Server, configuration.Learner.Articles, learner,
                // What keeps the host from starting is thrown, and said once.
                builder => builder.Logging.AddProvider(new NoticeLogging(notice)).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None));
            await server.Start(cancellation);
            learner.Start();
            return new SingleProcess(store, learner, server);
        }
        catch
        {
            if (server is not null) await server.DisposeAsync();
            if (learner is not null) await learner.DisposeAsync();
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets requests finish, writes the last checkpoint, closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        await server.Stop(CancellationToken.None);
        await server.DisposeAsync();
        await Learner.DisposeAsync();
        await store.DisposeAsync();
    }
}
