using Npgsql;

namespace RsrNet.Server.Documents;

/// <summary>
/// A transaction in as few round trips as it has questions: statements, BEGIN first, are collected and sent together, the last ones with
/// COMMIT. One that is not committed is rolled back when its connection goes back to the pool.
/// </summary>
internal sealed class PostgresTransaction : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private NpgsqlBatch _batch;

    public PostgresTransaction(NpgsqlConnection connection)
    {
        _connection = connection;
        _batch = new NpgsqlBatch(connection);
    }

    /// <summary>Adds a statement to those that are sent next.</summary>
    public void Add(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
#pragma warning disable CA2100 // Only constants of this project come here.
        var command = new NpgsqlBatchCommand(sql);
#pragma warning restore CA2100
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        _batch.BatchCommands.Add(command);
    }

    /// <summary>Sends what was added.</summary>
    /// <returns>One result for each statement that gives rows. Dispose it before the next call.</returns>
    public async Task<NpgsqlDataReader> Send()
    {
        var rows = await _batch.ExecuteReaderAsync();
        _batch = new NpgsqlBatch(_connection);
        return rows;
    }

    /// <summary>Sends what was added, and COMMIT: once it returns, all is durable.</summary>
    public async Task Commit()
    {
        Add("COMMIT");
        await _batch.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => _batch.DisposeAsync();
}
