using RsrNet.Core.Documents;
using RsrNet.Core.Weights;
using RsrNet.Server.Weights;

namespace RsrNet.Server.Documents;

/// <summary>
/// Where a server keeps documents, checkpoints and text models: in its data folder, or in the PostgreSQL database its options name. One that learns alone
/// holds the place for itself; the silos of a cluster share a database.
/// </summary>
public sealed class ServerStorage : IAsyncDisposable
{
    private readonly IAsyncDisposable[] _underneath;

    private ServerStorage(string place, string? folder, IDocumentStore documents, ICheckpointStore checkpoints, IModelStore models, params IAsyncDisposable[] underneath)
    {
        Place = place;
        Folder = folder;
        Documents = documents;
        Checkpoints = checkpoints;
        Models = models;
        _underneath = underneath;
    }

    /// <summary>The folder or the database, for messages; nothing secret.</summary>
    public string Place { get; }

    /// <summary>The data folder; null with a database.</summary>
    public string? Folder { get; }

    public IDocumentStore Documents { get; }

    public ICheckpointStore Checkpoints { get; }

    public IModelStore Models { get; }

    /// <param name="alone">False for a silo of a cluster, which needs a database: a folder cannot be shared.</param>
    /// <exception cref="StoreUnavailableException">
    /// The place is in use by another server, cannot be reached or cannot be written.
    /// </exception>
    public static async Task<ServerStorage> Open(
        ServerOptions server, WeightOptions weights, bool alone = true, CancellationToken cancellation = default)
    {
        if (server.Database.Length == 0)
        {
            if (!alone)
            {
                throw new StoreUnavailableException(
                    "the silos of a cluster need a database that all of them can reach: set Server.Database to a PostgreSQL connection string");
            }
            var store = SqliteDocumentStore.Open(server.Data);
            return new ServerStorage(
                store.Folder, store.Folder, store, new CheckpointFolder(Path.Combine(store.Folder, "weights"), weights),
                new ModelFolder(Path.Combine(store.Folder, "models")));
        }
        var database = await PostgresDatabase.Open(server.Database, cancellation);
        try
        {
            var claim = await database.Claim(alone, cancellation);
            return new ServerStorage(
                database.Place, null, new PostgresDocumentStore(database), new PostgresCheckpointStore(database, weights), new PostgresModelStore(database),
                claim, database);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes what was queued, and lets the place go.</summary>
    public async ValueTask DisposeAsync()
    {
        await Documents.DisposeAsync();
        foreach (var part in _underneath) await part.DisposeAsync();
    }
}
