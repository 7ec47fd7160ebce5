using Npgsql;
using RsrNet.Core.Documents;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;
using RsrNet.Server.Weights;

namespace RsrNet.Server.Tests.Documents;

[Collection(PostgresCollection.Name)]
public sealed class PostgresDocumentStoreTests(PostgresServer server) : DocumentStoreContract
{
    private readonly List<PostgresDatabase> _databases = [];
    private string? _connectionString;

    protected override bool Durable => true;

    private PostgresDocumentStore Postgres => (PostgresDocumentStore)Store;

    protected override async Task<IDocumentStore> Open()
    {
        _connectionString ??= await server.NewSchema();
        return await OpenAnother();
    }

    protected override async ValueTask CleanUp()
    {
        foreach (var database in _databases) await database.DisposeAsync();
    }

    /// <summary>What another server that shares the database has.</summary>
    private async Task<PostgresDocumentStore> OpenAnother()
    {
        var database = await PostgresDatabase.Open(_connectionString!, Cancellation);
        _databases.Add(database);
        return new PostgresDocumentStore(database);
    }

    [Fact]
    public async Task ConcurrentCalls_ShareCommits()
    {
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Store.Put([NewArticle($"a{i}")], Cancellation)));

        Assert.InRange(Postgres.Commits, 1, 250);
        Assert.Equal(500, (await Store.Count(Cancellation)).Pending);
    }

    [Fact]
    public async Task Server_SeesWhatAnotherWrote()
    {
        await using var other = await OpenAnother();
        await PutNumbered(3);
        await other.Save([Refined((await other.Find("d1", Cancellation))!, DocumentStatus.Converged, step: 1, version: 4)], Cancellation);

        AssertSame((await other.Find("d1", Cancellation))!, await Find("d1"));
        Assert.Equal(new DocumentCounts(2, 0, 1, 0, 0), await Store.Count(Cancellation));
        Assert.True((await other.Put([NewArticle("d2")], Cancellation)).Single().Duplicate);
        Assert.True(await other.Delete("d2", Cancellation));
        Assert.Null(await Store.Find("d2", Cancellation));
        Assert.Equal(new DocumentCounts(1, 0, 1, 0, 0), await other.Count(Cancellation));
    }

    /// <summary>Who writes last wins, embedding included, though an embedding that is there already is not sent again.</summary>
    [Fact]
    public async Task Save_AfterAnotherServerReplacedTheEmbedding_PutsItsOwnBack()
    {
        await using var other = await OpenAnother();
        await PutNumbered(1);
        var mine = Refined(await Find("d0"), DocumentStatus.Refining, step: 1, version: 1);
        await Store.Save([mine], Cancellation);
        var theirs = mine with { Embedding = new DocumentEmbedding("test-1", mine.Embedding!.X, Vector(16, 99)) };
        await other.Save([theirs], Cancellation);
        AssertSame(theirs, await Find("d0"));

        await Store.Save([mine], Cancellation);

        AssertSame(mine, await Find("d0"));
    }

    [Fact]
    public async Task Save_OfOneDocumentTwiceInOneCall_KeepsTheLast()
    {
        await PutNumbered(1);
        var first = Refined(await Find("d0"), DocumentStatus.Refining, step: 1, version: 1);
        var second = Refined(first, DocumentStatus.Converged, step: 2, version: 2);

        Assert.Empty(await Store.Save([first, second], Cancellation));

        AssertSame(second, await Find("d0"));
        Assert.Equal(new DocumentCounts(0, 0, 1, 0, 0), await Store.Count(Cancellation));
    }

    /// <summary>
    /// Three servers store while a reader goes on after the last sequence it saw. With sequences that become visible out of order it would
    /// pass over those that come late.
    /// </summary>
    [Fact]
    public async Task ReadUnfinished_WhileServersStore_MissesNothing()
    {
        const int servers = 3, calls = 30, size = 5;
        await using var second = await OpenAnother();
        await using var third = await OpenAnother();
        var writing = Task.WhenAll(((IDocumentStore[])[Store, second, third]).Select((store, number) => Task.Run(
            async () =>
            {
                for (var call = 0; call < calls; call++)
                    await store.Put([.. Enumerable.Range(0, size).Select(i => NewArticle($"{number}-{call}-{i}"))], Cancellation);
            },
            Cancellation)));

        var seen = new List<string>();
        var last = 0L;
        for (var ended = false; ; )
        {
            var page = await Store.ReadUnfinished(last, 7, Cancellation);
            seen.AddRange(page.Select(document => document.Id));
            if (page.Count > 0) last = page[^1].Sequence;
            else if (ended) break;
            else ended = writing.IsCompleted;
        }

        await writing;
        Assert.Equal(servers * calls * size, seen.Count);
        Assert.Equal(seen.Count, seen.Distinct().Count());
    }

    /// <summary>The same, made to happen: while one server is between its sequence and its commit, no other gets a higher one.</summary>
    [Fact]
    public async Task Put_WhileAnotherServerCommits_WaitsForItsTurn()
    {
        await using var connection = await Connect();
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await Execute(connection, "UPDATE arrivals SET last = last + 100");

        var put = Store.Put([NewArticle("a")], Cancellation);
        await Task.Delay(200, Cancellation);
        Assert.False(put.IsCompleted);
        Assert.Null(await Store.Find("a", Cancellation));
        await transaction.CommitAsync(Cancellation);

        Assert.True((await put).Single().Sequence > 100);
    }

    /// <summary>
    /// A process that is suspended, or cut off by the network, between its two words: the others go on, and it hears of it.
    /// </summary>
    [Fact]
    public async Task Server_ThatFreezesInATransaction_HoldsNobodyUpForLong()
    {
        var frozen = await PostgresDatabase.Open(_connectionString!, Cancellation);
        _databases.Add(frozen);
        frozen.FrozenSeconds = 1;
        var thaw = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        var transaction = frozen.Transact(
            async transaction =>
            {
                transaction.Add("UPDATE arrivals SET last = last + 1");
                await (await transaction.Send()).DisposeAsync();
                asked.SetResult();
                await thaw.Task;
                await transaction.Commit();
                return true;
            },
            Cancellation);
        await asked.Task;

        Assert.False((await Store.Put([NewArticle("a")], Cancellation)).Single().Duplicate);

        thaw.SetResult();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => transaction);
    }

    [Fact]
    public async Task Save_ThatMeetsADeadlock_IsTriedAgain()
    {
        await PutNumbered(2);
        var (first, second) = (await Find("d0"), await Find("d1"));
        await using var connection = await Connect();
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        // The other holds the later document and then wants the earlier one: the wrong order, against which only a second try helps.
        await Execute(connection, "SET LOCAL deadlock_timeout = '1min'; UPDATE documents SET step = 9 WHERE id = 'd1'");
        var steps = ((Document[])[first, second]).Select(document => Refined(document, DocumentStatus.Refining, step: 1, version: 1));
        var save = Store.Save([.. steps], Cancellation);
        await WaitUntilBlocked(connection);
        await Execute(connection, "UPDATE documents SET step = 9 WHERE id = 'd0'");
        await transaction.CommitAsync(Cancellation);

        Assert.Empty(await save);
        Assert.Equal(new DocumentCounts(0, 2, 0, 0, 0), await Store.Count(Cancellation));
    }

    [Fact]
    public async Task Tables_ThatEightServersWantAtOnce_AreMadeOnce()
    {
        _connectionString = await server.NewSchema();
        var stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(OpenOne, Cancellation)));
        await Task.WhenAll(stores.Select((store, i) => store.Store.Put([NewArticle($"a{i}")], Cancellation)));

        Assert.Equal(8, (await stores[0].Store.Count(Cancellation)).Total);
        foreach (var (store, database) in stores)
        {
            await store.DisposeAsync();
            await database.DisposeAsync();
        }

        async Task<(PostgresDocumentStore Store, PostgresDatabase Database)> OpenOne()
        {
            var database = await PostgresDatabase.Open(_connectionString, Cancellation);
            return (new PostgresDocumentStore(database), database);
        }
    }

    [Fact]
    public async Task Server_ThatCrashed_LosesNothingItAcknowledgedAndIsFoundAgain()
    {
        await PutNumbered(50);
        await SaveStatus("d7", DocumentStatus.Converged);
        var before = await Find("d7");

        await server.Stop(crash: true);
        var writing = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Put([NewArticle("late")], Cancellation));
        var reading = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Find("d7", Cancellation));
        await server.EnsureRunning();

        foreach (var problem in (Exception[])[writing, reading])
        {
            Assert.Contains($"127.0.0.1:{server.Port}", problem.Message, StringComparison.Ordinal);
            Assert.Contains("connects anew", problem.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(PostgresServer.Password, problem.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal(new DocumentCounts(49, 0, 1, 0, 0), await Store.Count(Cancellation));
        AssertSame(before, await Find("d7"));
        Assert.False((await Store.Put([NewArticle("late")], Cancellation)).Single().Duplicate);
    }

    [Fact]
    public async Task Connection_CutByTheServer_FailsACallAtMostAndHeals()
    {
        await PutNumbered(1);
        await using (var connection = await Connect())
            await Execute(connection, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rsrnet'");

        var failed = 0;
        for (var tried = 0; tried < 3; tried++)
        {
            try
            {
                await Store.Put([NewArticle("a")], Cancellation);
            }
            catch (StoreUnavailableException)
            {
                failed++;
            }
        }

        Assert.InRange(failed, 0, 1);
        Assert.NotNull(await Store.Find("a", Cancellation));
    }

    [Fact]
    public async Task Database_OverAUnixSocket_IsTheSame()
    {
        await PutNumbered(1);
        var overSocket = _connectionString!.Replace("Host=127.0.0.1", $"Host={server.SocketFolder}", StringComparison.Ordinal);
        await using var database = await PostgresDatabase.Open(overSocket, Cancellation);
        await using var store = new PostgresDocumentStore(database);

        Assert.NotNull(await store.Find("d0", Cancellation));
    }

    [Theory]
    [InlineData("Password=wrong", "user and password")]
    [InlineData("Database=nowhere", "CREATE DATABASE")]
    [InlineData("Port=1", "cannot be reached")]
    public async Task Database_ThatCannotBeOpened_SaysWhatToDoAndNoPassword(string change, string expected)
    {
        await server.EnsureRunning();
        var connectionString = new NpgsqlConnectionStringBuilder(server.ConnectionString("test_unused") + ";" + change).ToString();

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => PostgresDatabase.Open(connectionString, Cancellation));

        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(PostgresServer.Password, problem.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Password=", problem.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=db;Databse=x;Password=secret-word", "databse")]
    [InlineData("Host=db;Password=secret-word;Username=u", "names no Database")]
    [InlineData("Database=x;Password=secret-word", "names no Host")]
    [InlineData("postgresql://u:secret-word@db/x", "Host=")]
    [InlineData("Host=db;Port=secret-word;Database=x", "Port")]
    public async Task ConnectionString_ThatIsWrong_IsNamedWithoutItsPassword(string connectionString, string expected)
    {
        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => PostgresDatabase.Open(connectionString, Cancellation));

        Assert.Contains(expected, problem.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(PostgresServer.Password, problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_OfANewerSchema_IsRefused()
    {
        await using (var connection = await Connect()) await Execute(connection, "UPDATE meta SET value = '99' WHERE name = 'schema'");

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => PostgresDatabase.Open(_connectionString!, Cancellation));

        Assert.Contains("newer version", problem.Message, StringComparison.Ordinal);
        Assert.Contains("99", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_OfSchema1_IsTakenFurther()
    {
        await using (var connection = await Connect())
        {
            await Execute(
                connection,
                "DROP TABLE damaged_model_checkpoints, model_checkpoints, models; ALTER TABLE checkpoints DROP COLUMN pinned; UPDATE meta SET value = '1' WHERE name = 'schema'");
        }
        await using var again = await PostgresDatabase.Open(_connectionString!, Cancellation);
        var checkpoints = new PostgresCheckpointStore(again, new WeightOptions());
        Assert.Empty(await checkpoints.List(Cancellation));
        Assert.Empty(await new PostgresModelStore(again).List(_ => { }, Cancellation));
    }

    [Fact]
    public async Task Schema_OfAnotherProgram_IsRefusedAndLeftAlone()
    {
        _connectionString = await server.NewSchema();
        var schema = new NpgsqlConnectionStringBuilder(_connectionString).SearchPath;
        await using var connection = await Connect();
        await Execute(connection, $"CREATE SCHEMA {schema}; CREATE TABLE recipes (name text)");

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => PostgresDatabase.Open(_connectionString, Cancellation));

        Assert.Contains("another program", problem.Message, StringComparison.Ordinal);
        Assert.Contains("Search Path", problem.Message, StringComparison.Ordinal);
        await Execute(connection, "INSERT INTO recipes VALUES ('cake')");
    }

    [Fact]
    public async Task Claim_Alone_KeepsOthersOutUntilItEnds()
    {
        var second = await PostgresDatabase.Open(_connectionString!, Cancellation);
        _databases.Add(second);
        var alone = await _databases[0].Claim(alone: true, Cancellation);

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => second.Claim(alone: true, Cancellation));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => second.Claim(alone: false, Cancellation));
        await alone.DisposeAsync();

        Assert.Contains("in use by another server", problem.Message, StringComparison.Ordinal);
        await using var shared = await second.Claim(alone: false, Cancellation);
        await using var sharedToo = await _databases[0].Claim(alone: false, Cancellation);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => second.Claim(alone: true, Cancellation));
    }

    [Fact]
    public async Task ServerStorage_WithADatabase_KeepsDocumentsAndCheckpointsThere()
    {
        var options = new ServerOptions { Database = await server.NewSchema(), Data = "/no such folder" };
        await using (var storage = await ServerStorage.Open(options, new WeightOptions(), cancellation: Cancellation))
        {
            await storage.Documents.Put([NewArticle("a")], Cancellation);
            await storage.Checkpoints.Save(Weights.CheckpointStoreContract.Sample(3), Cancellation);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => ServerStorage.Open(options, new WeightOptions(), cancellation: Cancellation));
            Assert.Contains("127.0.0.1", storage.Place, StringComparison.Ordinal);
        }

        await using var again = await ServerStorage.Open(options, new WeightOptions(), cancellation: Cancellation);
        Assert.NotNull(await again.Documents.Find("a", Cancellation));
        Assert.Equal(3, (await again.Checkpoints.List(Cancellation)).Single().Version);
    }

    [Fact]
    public void Options_InAMessage_HoldNoPassword()
    {
        var options = new ServerOptions { Database = $"Host=db;Database=x;Password={PostgresServer.Password}" };
        Assert.Empty(options.Problems());
        Assert.DoesNotContain(PostgresServer.Password, options.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Counts_FollowWhatAnAdministratorDeletes()
    {
        await PutNumbered(5);
        await SaveStatus("d0", DocumentStatus.Failed);
        await using (var connection = await Connect()) await Execute(connection, "DELETE FROM documents WHERE id IN ('d0', 'd1')");

        Assert.Equal(new DocumentCounts(3, 0, 0, 0, 0), await Store.Count(Cancellation));
    }

    [Fact]
    public async Task Calls_AfterDispose_SayThatTheStoreIsClosed()
    {
        await Store.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Store.Put([NewArticle("a")], Cancellation));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Store.Find("a", Cancellation));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Store.Delete("a", Cancellation));
    }

    [Fact]
    public async Task Trajectory_ThatIsDamaged_IsNamedAsSuch()
    {
        await PutNumbered(1);
        await SaveStatus("d0", DocumentStatus.Converged);
        await using (var connection = await Connect()) await Execute(connection, @"UPDATE states SET trajectory = '\x02AA'");

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Find("d0", Cancellation));

        Assert.Contains("format 2", problem.Message, StringComparison.Ordinal);
    }

    private async Task<NpgsqlConnection> Connect()
    {
        var connection = new NpgsqlConnection(_connectionString + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
        return connection;
    }

    private static async Task Execute(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // Constants of this class.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    /// <summary>Until somebody waits for a lock this connection holds.</summary>
    private static async Task WaitUntilBlocked(NpgsqlConnection connection)
    {
        while (true)
        {
            await using var command = new NpgsqlCommand(
                "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))", connection);
            if (await command.ExecuteScalarAsync(Cancellation) is > 0L) return;
            await Task.Delay(20, Cancellation);
        }
    }
}
