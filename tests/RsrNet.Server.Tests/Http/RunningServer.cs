using RsrNet.Core;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;

namespace RsrNet.Server.Tests.Http;

/// <summary>A real server on a free port of the loopback address: Kestrel, LocalLearner, SQLite in a folder of its own.</summary>
public sealed partial class RunningServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;

    private RunningServer(SqliteDocumentStore store, LocalLearner learner, ModelHost models, RsrNetServer server, TemporaryFolder folder)
    {
        (Store, Learner, Models, _server, _folder) = (store, learner, models, server, folder);
        Client = new HttpClient { BaseAddress = server.Addresses[0] };
    }

    public SqliteDocumentStore Store { get; }

    public LocalLearner Learner { get; }

    public ModelHost Models { get; }

    /// <param name="learning">Whether the learner runs in the background; otherwise documents stay pending.</param>
    /// <param name="maxPages">Pages after which the disk is full.</param>
    /// <param name="knowsItsFolder">Whether the server is told where its data lies: then it measures the store, and keeps its history there.</param>
    /// <param name="models">Text models beside the learner, which learn where it does.</param>
    public static async Task<RunningServer> Start(
        RsrNetOptions? options = null, ServerOptions? serverOptions = null, bool learning = false, long? maxPages = null, bool knowsItsFolder = false,
        IReadOnlyDictionary<string, ModelOptions>? models = null)
    {
        options ??= new RsrNetOptions { Residual = new() { Hidden = 8, Latent = 4 }, Documents = new() { RefreshWhenIdle = false } };
        var folder = new TemporaryFolder();
        var store = SqliteDocumentStore.Open(folder.Path, TimeProvider.System, maxPages);
        var learner = await LocalLearner.Open(
            options, new HashedEncoder(), store, new CheckpointFolder(folder.File("checkpoints"), options.Weights));
        var host = await ModelHost.Open(store, new ModelFolder(folder.File("models")), models ?? new Dictionary<string, ModelOptions>());
        learner.Stored += host.OnArrival;
        if (learning) learner.Start();
        if (learning) host.Start();
        serverOptions = (serverOptions ?? new ServerOptions()) with { Urls = "http://127.0.0.1:0" };
        var server = RsrNetServer.Build(serverOptions, options.Articles, learner, dataFolder: knowsItsFolder ? folder.Path : null, models: host);
        await server.Start();
        return new RunningServer(store, learner, host, server, folder);
    }

    /// <summary>Ends the learner behind the server.</summary>
    public ValueTask CloseLearner() => Learner.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.Stop();
        await _server.DisposeAsync();
        await Models.DisposeAsync();
        await Learner.DisposeAsync();
        await Store.DisposeAsync();
        _folder.Dispose();
    }
}
