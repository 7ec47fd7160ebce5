using RsrNet.Cluster.Tests;
using RsrNet.Core;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;

namespace RsrNet.Server.Tests.Http;

/// <summary>The same server as the server's own tests have, before a cluster: Kestrel, a client of a silo, SQLite behind the silo.</summary>
public sealed partial class RunningServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly LearningCluster _cluster;

    private RunningServer(SqliteDocumentStore store, LearningCluster cluster, RsrNetServer server, TemporaryFolder folder)
    {
        (Store, _cluster, _server, _folder) = (store, cluster, server, folder);
        Client = new HttpClient { BaseAddress = server.Addresses[0] };
    }

    public SqliteDocumentStore Store { get; }

    public ILearner Learner => _cluster.Learner;

    /// <param name="learning">Whether documents are given out to replicas; otherwise they stay pending.</param>
    /// <param name="maxPages">Pages after which the disk is full.</param>
    /// <param name="knowsItsFolder">Whether the server is told where its data lies.</param>
    /// <param name="models">Text models that the gateway's configuration names.</param>
    public static async Task<RunningServer> Start(
        RsrNetOptions? options = null, ServerOptions? serverOptions = null, bool learning = false, long? maxPages = null, bool knowsItsFolder = false,
        IReadOnlyDictionary<string, ModelOptions>? models = null)
    {
        options ??= new RsrNetOptions { Residual = new() { Hidden = 8, Latent = 4 }, Documents = new() { RefreshWhenIdle = false } };
        var folder = new TemporaryFolder();
        var store = SqliteDocumentStore.Open(folder.Path, TimeProvider.System, maxPages);
        var cluster = await LearningCluster.Start(
            1, options, store, new CheckpointFolder(folder.File("checkpoints"), options.Weights), encoder: new HashedEncoder(),
            models: new ModelFolder(folder.File("models")));
        foreach (var (name, model) in models ?? new Dictionary<string, ModelOptions>()) await cluster.Models.Name(name, ModelDescription.Of(name, model, null));
        if (!learning) await cluster.Learner.Rest();
        serverOptions = (serverOptions ?? new ServerOptions()) with { Urls = "http://127.0.0.1:0" };
        var server = RsrNetServer.Build(serverOptions, options.Articles, cluster.Learner, dataFolder: knowsItsFolder ? folder.Path : null, models: cluster.Models);
        await server.Start();
        return new RunningServer(store, cluster, server, folder);
    }

    /// <summary>Ends the silos behind the server.</summary>
    public Task CloseLearner() => _cluster.Silos.StopAllSilosAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.Stop();
        await _server.DisposeAsync();
        await _cluster.DisposeAsync();
        await Store.DisposeAsync();
        _folder.Dispose();
    }
}
