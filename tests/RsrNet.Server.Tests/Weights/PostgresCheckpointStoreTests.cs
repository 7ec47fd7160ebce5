using Npgsql;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;
using RsrNet.Server.Tests.Documents;
using RsrNet.Server.Weights;

namespace RsrNet.Server.Tests.Weights;

[Collection(PostgresCollection.Name)]
public sealed class PostgresCheckpointStoreTests(PostgresServer server) : CheckpointStoreContract
{
    private readonly List<PostgresDatabase> _databases = [];
    private string? _connectionString;

    protected override async Task<ICheckpointStore> Open(WeightOptions options)
    {
        _connectionString ??= await server.NewSchema();
        var database = await PostgresDatabase.Open(_connectionString, Cancellation);
        _databases.Add(database);
        return new PostgresCheckpointStore(database, options);
    }

    protected override async ValueTask CleanUp()
    {
        foreach (var database in _databases) await database.DisposeAsync();
    }

    protected override async Task<byte[]> ReadStored(long version)
    {
        await using var connection = await Connect();
        await using var command = new NpgsqlCommand("SELECT content FROM checkpoints WHERE version = $1", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = version } },
        };
        return (byte[])(await command.ExecuteScalarAsync(Cancellation))!;
    }

    protected override async Task WriteStored(long version, byte[] content)
    {
        await using var connection = await Connect();
        await using var command = new NpgsqlCommand("UPDATE checkpoints SET content = $2 WHERE version = $1", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = version }, new NpgsqlParameter<byte[]> { TypedValue = content } },
        };
        Assert.Equal(1, await command.ExecuteNonQueryAsync(Cancellation));
    }

    [Fact]
    public async Task LoadNewest_Damaged_KeepsItForWhoeverCanReadIt()
    {
        await Store.Save(Sample(1), Cancellation);
        await WriteStored(1, [1, 2, 3]);

        Assert.Null(await Store.LoadNewest(_ => { }, Cancellation));

        await using var connection = await Connect();
        await using var command = new NpgsqlCommand("SELECT content FROM damaged_checkpoints WHERE version = 1", connection);
        Assert.Equal([1, 2, 3], (byte[])(await command.ExecuteScalarAsync(Cancellation))!);
    }

    /// <summary>The port speaks of files: a learner that cannot write its weights goes on and tries again later.</summary>
    [Fact]
    public async Task Server_ThatIsAway_IsAnIOException()
    {
        await Store.Save(Sample(1), Cancellation);
        await server.Stop();

        var writing = await Assert.ThrowsAsync<IOException>(() => Store.Save(Sample(2), Cancellation));
        await Assert.ThrowsAsync<IOException>(() => Store.LoadNewest(_ => { }, Cancellation));
        await server.EnsureRunning();

        Assert.Contains("connects anew", writing.Message, StringComparison.Ordinal);
        await Store.Save(Sample(2), Cancellation);
        Assert.Equal([2, 1], (await Store.List(Cancellation)).Select(summary => summary.Version));
    }

    private async Task<NpgsqlConnection> Connect()
    {
        var connection = new NpgsqlConnection(_connectionString + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
        return connection;
    }
}
