using Npgsql;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;
using RsrNet.Server.Tests.Documents;
using RsrNet.Server.Weights;

namespace RsrNet.Server.Tests.Weights;

[Collection(PostgresCollection.Name)]
public sealed class PostgresModelStoreTests(PostgresServer server) : ModelStoreContract
{
    private readonly List<PostgresDatabase> databases = [];
    private string? connectionString;

    protected override async Task<IModelStore> Open()
    {
        connectionString ??= await server.NewSchema();
        var database = await PostgresDatabase.Open(connectionString, Cancellation);
        databases.Add(database);
        return new PostgresModelStore(database);
    }

    protected override async Task Damage(string name, long version)
    {
        await using var source = NpgsqlDataSource.Create(connectionString!);
        await using var command = source.CreateCommand("UPDATE model_checkpoints SET content = '\\x010203' WHERE model = $1 AND version = $2");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = version });
        Assert.Equal(1, await command.ExecuteNonQueryAsync(Cancellation));
    }

    protected override async ValueTask CleanUp()
    {
        foreach (var database in databases) await database.DisposeAsync();
    }
}
