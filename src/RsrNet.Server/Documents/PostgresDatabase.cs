using System.Data.Common;
using Npgsql;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// A PostgreSQL database that holds documents and checkpoints, for one server or for many that share it. It needs the encoding UTF8 and the
/// right to create tables; the first server creates them. A password may come from <c>PGPASSWORD</c> or a passfile in place of the
/// connection string.
/// </summary>
public sealed class PostgresDatabase : IAsyncDisposable
{
    /// <summary>The schema of the tables, unless the connection string has a <c>Search Path</c>.</summary>
    public const string DefaultSchema = "rsrnet";

    /// <summary>A deadlock or a failed serialisation is nobody's fault: the same once more, so often.</summary>
    private const int Tries = 5;

    /// <summary>Any number, the same in every version of RSR-Net.</summary>
    private const int ClaimLock = 0x5253_5250;

    private readonly NpgsqlDataSource _source;
    private bool _commitsAsynchronously;
    private volatile bool _disposed;

    private PostgresDatabase(NpgsqlDataSource source, string place)
    {
        _source = source;
        Place = place;
    }

    /// <summary>Host, port and name, for messages; nothing secret.</summary>
    public string Place { get; }

    /// <summary>
    /// A server that is frozen or cut off in the middle of a transaction must not hold up all others: the database ends it after so long
    /// without
    /// a word. Seconds; default 15.
    /// </summary>
    internal int FrozenSeconds { get; set; } = 15;

    /// <returns>What is wrong with a connection string; null where it can be used.</returns>
    public static string? ProblemOf(string connectionString)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connectionString);
            return string.IsNullOrWhiteSpace(builder.Host) ? "names no Host"
                : string.IsNullOrWhiteSpace(builder.Database) ? "names no Database"
                : null;
        }
        // The message of such an exception names a key or a place in the string, never a value.
        catch (Exception problem) when (problem is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            return problem.Message.ReplaceLineEndings(" ");
        }
    }

    /// <summary>Connects, and creates the tables where they are missing.</summary>
    /// <param name="connectionString">Npgsql's form: <c>Host=db;Database=rsrnet;Username=rsrnet</c>.</param>
    /// <exception cref="StoreUnavailableException">
    /// The database cannot be reached or used; the message says what to do and holds no password.
    /// </exception>
    public static async Task<PostgresDatabase> Open(string connectionString, CancellationToken cancellation = default)
    {
        if (ProblemOf(connectionString) is { } problem)
        {
            throw new StoreUnavailableException(
                $"the PostgreSQL connection string cannot be used: {problem}; write it as 'Host=db;Database=rsrnet;Username=rsrnet'");
        }
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        if (string.IsNullOrWhiteSpace(settings.SearchPath)) settings.SearchPath = DefaultSchema;
        if (string.IsNullOrWhiteSpace(settings.ApplicationName)) settings.ApplicationName = "rsrnet";
        // The statements are few and always the same. A pooler that cannot keep prepared statements needs 'Max Auto Prepare=0' in the
        // string.
        if (!settings.ShouldSerialize("Max Auto Prepare")) settings.MaxAutoPrepare = 64;
        // A cluster's processes share the server's connections, of which there are a hundred by default; more than this make nothing faster.
        if (!settings.ShouldSerialize("Maximum Pool Size")) settings.MaxPoolSize = 20;
        // Without it a connection that the network dropped silently is noticed only at the next call's timeout.
        if (settings.KeepAlive == 0) settings.KeepAlive = 30;

        var place = $"PostgreSQL database '{settings.Database}' at {settings.Host}:{settings.Port}";
        var database = new PostgresDatabase(NpgsqlDataSource.Create(settings), place);
        try
        {
            await database.Ensure(settings.SearchPath, cancellation);
            return database;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        _disposed = true;
        return _source.DisposeAsync();
    }

    /// <summary>Runs one statement and reads its rows.</summary>
    /// <exception cref="StoreUnavailableException">The database cannot be read, or a row holds something unreadable.</exception>
    internal Task<List<T>> Read<T>(
        string sql, Func<DbDataReader, T> read, CancellationToken cancellation, params NpgsqlParameter[] parameters) => Use(
        async connection =>
        {
#pragma warning disable CA2100 // Only constants of this project come here.
            await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
            command.Parameters.AddRange(parameters);
            await using var rows = await command.ExecuteReaderAsync(cancellation);
            var found = new List<T>();
            while (await rows.ReadAsync(cancellation)) found.Add(read(rows));
            return found;
        },
        cancellation);

    /// <summary>Runs a transaction, and again where the database broke it off for another's sake.</summary>
    /// <param name="body">Ends with <see cref="PostgresTransaction.Commit"/>; a transaction without it is rolled back.</param>
    /// <exception cref="StoreUnavailableException">
    /// The database cannot be written. Where the connection broke at the commit it may have happened all the same; to repeat the call is
    /// safe.
    /// </exception>
    internal async Task<T> Transact<T>(Func<PostgresTransaction, Task<T>> body, CancellationToken cancellation)
    {
        for (var tried = 1; ; tried++)
        {
            try
            {
                return await Use(
                    async connection =>
                    {
                        await using var transaction = new PostgresTransaction(connection);
                        Begin(transaction);
                        return await body(transaction);
                    },
                    cancellation);
            }
            catch (PostgresException broken) when (PostgresProblem.IsPassing(broken))
            {
                if (tried < Tries) continue;
                throw new StoreUnavailableException($"{Place} breaks off every try to write ({broken.MessageText}); try again", broken);
            }
        }
    }

    /// <summary>
    /// Claims the tables for as long as the result is not disposed, so that a server that learns alone and others do not undo each other's
    /// work. The claim ends with its connection: where the database restarts, it is gone.
    /// </summary>
    /// <param name="alone">True for a server that wants nobody beside it; false for one of a cluster.</param>
    /// <exception cref="StoreUnavailableException">
    /// Another server has a claim that does not go with this one, or the database cannot be reached.
    /// </exception>
    public async Task<IAsyncDisposable> Claim(bool alone, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        NpgsqlConnection? connection = null;
        try
        {
            connection = await _source.OpenConnectionAsync(cancellation);
            // The table's own number makes the claim one of this schema.
            var claim = alone ? "pg_try_advisory_lock" : "pg_try_advisory_lock_shared";
            var sql = $"SELECT {claim}({ClaimLock}, 'meta'::regclass::oid::integer)";
            if (await PostgresSchema.Scalar(connection, sql, cancellation) is true) return new Claimed(connection);
            throw new StoreUnavailableException(
                $"{Place} is in use by {(alone ? "another server" : "a server that wants it alone")}; " +
                "stop that one, or name another database or 'Search Path'");
        }
        catch (Exception problem)
        {
            if (connection is not null) await connection.DisposeAsync();
            if (PostgresProblem.Explain(problem, Place) is { } explained) throw explained;
            throw;
        }
    }

    private void Begin(PostgresTransaction transaction)
    {
        transaction.Add("BEGIN");
        transaction.Add($"SET LOCAL idle_in_transaction_session_timeout = '{FrozenSeconds}s'");
        transaction.Add("SET LOCAL lock_timeout = '30s'");
        // As the database's default it would lose acknowledged articles with the power supply.
        if (_commitsAsynchronously) transaction.Add("SET LOCAL synchronous_commit = on");
    }

    private async Task Ensure(string schema, CancellationToken cancellation) =>
        await Use(
            async connection =>
            {
                _commitsAsynchronously = await PostgresSchema.Scalar(connection, "SHOW synchronous_commit", cancellation) is "off";
                await PostgresSchema.Ensure(connection, schema, Place, cancellation);
                return true;
            },
            cancellation);

    private async Task<T> Use<T>(Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellation.ThrowIfCancellationRequested();
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancellation);
            return await use(connection);
        }
        catch (Exception problem) when (PostgresProblem.Explain(problem, Place) is { } explained)
        {
            throw explained;
        }
    }

    private sealed class Claimed(NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await using (connection)
            {
                try
                {
                    // Closing alone would put the connection back into the pool, claim and all, until somebody uses it again.
                    await PostgresSchema.Scalar(connection, "SELECT pg_advisory_unlock_all()", CancellationToken.None);
                }
                catch (Exception gone) when (gone is NpgsqlException or InvalidOperationException)
                {
                    // The connection broke, and the claim with it.
                }
            }
        }
    }
}
