using Microsoft.Extensions.Logging;
using RsrNet.Cli.Embedding;
using RsrNet.Core;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;
using RsrNet.Server;
using RsrNet.Server.Articles;
using RsrNet.Server.Configuration;
using RsrNet.Server.Documents;

namespace RsrNet.Cli;

/// <summary>The whole product in one process: store, checkpoints and learner, and the server before them.</summary>
internal sealed class SingleProcess : IServing
{
    /// <summary>The encoder's name as it was asked for, in the store's settings: the next start needs no option.</summary>
    internal const string EncoderNameSetting = "encoder.name";

    private readonly ServerStorage storage;
    private readonly RsrNetServer server;

    private readonly ITextEncoder encoder;

    private readonly ModelHost models;

    private SingleProcess(ServerStorage storage, ITextEncoder encoder, LocalLearner learner, ModelHost models, RsrNetServer server)
    {
        this.encoder = encoder;
        this.models = models;
        this.storage = storage;
        Learner = learner;
        this.server = server;
    }

    public LocalLearner Learner { get; }

    ILearner IServing.Learner => Learner;

    public Uri Address => server.Addresses[0];

    public DemoStream Demo => server.Demo;

    public string Place => storage.Place;

    /// <inheritdoc cref="StartServing"/>
    public static async Task<SingleProcess> Start(ServingPlan plan, Action<string> notice, CancellationToken cancellation)
    {
        var configuration = plan.Configuration;
        // Before anything is opened: the message names the model and what to do.
        foreach (var (model, options) in configuration.Models) options.FindEngine(model, plan.Engines ?? EngineCatalog.OfCore());
        // Each is disposed by whoever opened it until all of them are there.
        var storage = await ServerStorage.Open(configuration.Server, configuration.Learner.Weights, cancellation: cancellation);
        ITextEncoder? encoder = null;
        LocalLearner? learner = null;
        ModelHost? models = null;
        RsrNetServer? server = null;
        try
        {
            var name = plan.EncoderName ?? await storage.Documents.ReadSetting(EncoderNameSetting, cancellation) ?? EncoderChoice.Hashed;
            encoder = plan.Encoders.OpenOrHashed(name, notice);
            learner = await LocalLearner.Open(
                configuration.Learner, encoder, storage.Documents, storage.Checkpoints, plan.Engine.Create, warn: notice,
                cancellation: cancellation);
            if (encoder is not HashedEncoder) await storage.Documents.WriteSetting(EncoderNameSetting, EncoderChoice.Durable(name), cancellation);
            models = await ModelHost.Open(
                storage.Documents, storage.Models, configuration.Models, warn: notice, readSentencePiece: plan.ReadSentencePiece, engines: plan.Engines,
                cancellation: cancellation);
            learner.Stored += models.OnArrival;
            server = RsrNetServer.Build(
                configuration.Server, configuration.Learner.Articles, learner,
                // What keeps the host from starting is thrown, and said once.
                builder => builder.Logging.AddProvider(new NoticeLogging(notice)).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None),
                dataFolder: storage.Folder, models: models);
            await server.Start(cancellation);
            learner.Start();
            models.Start();
            return new SingleProcess(storage, encoder, learner, models, server);
        }
        catch
        {
            if (server is not null) await server.DisposeAsync();
            if (models is not null) await models.DisposeAsync();
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
        await models.DisposeAsync();
        await Learner.DisposeAsync();
        (encoder as IDisposable)?.Dispose();
        await storage.DisposeAsync();
    }
}
