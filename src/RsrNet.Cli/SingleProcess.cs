using Microsoft.Extensions.Logging;
using RsrNet.Cli.Embedding;
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
    /// <summary>The encoder's name as it was asked for, in the store's settings: the next start needs no option.</summary>
    internal const string EncoderNameSetting = "encoder.name";

    private readonly ServerStorage storage;
    private readonly RsrNetServer server;

    private readonly ITextEncoder encoder;

    private SingleProcess(ServerStorage storage, ITextEncoder encoder, LocalLearner learner, RsrNetServer server)
    {
        this.encoder = encoder;
        this.storage = storage;
        Learner = learner;
        this.server = server;
    }

    public LocalLearner Learner { get; }

    /// <summary>Where the server listens; a free port that was asked for is filled in.</summary>
    public Uri Address => server.Addresses[0];

    /// <summary>The synthetic newswire; the dashboard's button stops and starts the same.</summary>
    public DemoStream Demo => server.Demo;

    /// <summary>The data folder, or the database.</summary>
    public string Place => storage.Place;

    /// <summary>Opens everything and begins to listen and to learn.</summary>
    /// <param name="engine">For the network, whichever the configuration names.</param>
    /// <param name="encoderName">Null for the one that the data was made with, and hashed where there is none yet.</param>
    /// <exception cref="Core.Documents.StoreUnavailableException">
    /// The data folder or the database is in use or cannot be written.
    /// </exception>
    /// <exception cref="WeightsRejectedException">The data was made with another encoder or network.</exception>
    /// <exception cref="AddressUnavailableException">Another program listens at the address.</exception>
    public static async Task<SingleProcess> Start(
        ConfigurationFile configuration, EngineOffer engine, EncoderChoice encoders, string? encoderName, Action<string> notice,
        CancellationToken cancellation)
    {
        // Each is disposed by whoever opened it until all of them are there.
        var storage = await ServerStorage.Open(configuration.Server, configuration.Learner.Weights, cancellation);
        ITextEncoder? encoder = null;
        LocalLearner? learner = null;
        RsrNetServer? server = null;
        try
        {
            var name = encoderName ?? await storage.Documents.ReadSetting(EncoderNameSetting, cancellation) ?? EncoderChoice.Hashed;
            encoder = encoders.OpenOrHashed(name, notice);
            learner = await LocalLearner.Open(
                configuration.Learner, encoder, storage.Documents, storage.Checkpoints, engine.Create, warn: notice,
                cancellation: cancellation);
            if (encoder is not HashedEncoder) await storage.Documents.WriteSetting(EncoderNameSetting, EncoderChoice.Durable(name), cancellation);
            server = RsrNetServer.Build(
                configuration.Server, configuration.Learner.Articles, learner,
                // What keeps the host from starting is thrown, and said once.
                builder => builder.Logging.AddProvider(new NoticeLogging(notice)).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None),
                dataFolder: storage.Folder);
            await server.Start(cancellation);
            learner.Start();
            return new SingleProcess(storage, encoder, learner, server);
        }
        catch
        {
            if (server is not null) await server.DisposeAsync();
            if (learner is not null) await learner.DisposeAsync();
            (encoder as IDisposable)?.Dispose();
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
        (encoder as IDisposable)?.Dispose();
        await storage.DisposeAsync();
    }
}
