using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using RsrNet.Core.Documents;
using RsrNet.Server.Documents;

namespace RsrNet.Server.Tests.Documents;

public sealed class SqliteDocumentStoreTests : DocumentStoreContract
{
    private readonly TemporaryFolder _folder = new();

    protected override bool Durable => true;

    protected override Task<IDocumentStore> Open() => Task.FromResult<IDocumentStore>(SqliteDocumentStore.Open(_folder.Path));

    protected override ValueTask CleanUp()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private SqliteDocumentStore Sqlite => (SqliteDocumentStore)Store;

    [Fact]
    public async Task ConcurrentCalls_ShareCommits()
    {
        var before = Sqlite.Commits;
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Store.Put([NewArticle($"a{i}")], Cancellation)));

        Assert.InRange(Sqlite.Commits - before, 500 / 64, 250);
        Assert.Equal(500, (await Store.Count(Cancellation)).Pending);
    }

    [Fact]
    public async Task Disk_ThatIsFull_FailsTheCallWholeAndHealsOnceThereIsRoom()
    {
        using var folder = new TemporaryFolder();
        await using var store = SqliteDocumentStore.Open(folder.Path, TimeProvider.System, maxPages: 60);
        await store.Put([NewArticle("first")], Cancellation);
        var articles = Enumerable.Range(0, 100).Select(i => NewArticle($"a{i}", new string('x', 8000))).ToArray();

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Put(articles, Cancellation));

        Assert.Contains("full", problem.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Path, problem.Message, StringComparison.Ordinal);
        Assert.Null(await store.Find("a0", Cancellation));
        Assert.Equal(1, (await store.Count(Cancellation)).Total);
        var small = await store.Put([NewArticle("small")], Cancellation);
        Assert.False(small.Single().Duplicate);
        await store.AllowPages(100_000);
        Assert.All(await store.Put(articles, Cancellation), outcome => Assert.False(outcome.Duplicate));
        Assert.Equal(102, (await store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Disk_ThatIsFull_FailsOnlyTheCallsThatDoNotFit()
    {
        using var folder = new TemporaryFolder();
        await using var store = SqliteDocumentStore.Open(folder.Path, TimeProvider.System, maxPages: 80);
        var text = new string('x', 1_000_000);
        var big = Enumerable.Range(0, 20).Select(i => store.Put([NewArticle($"big{i}", text)], Cancellation)).ToArray();
        var small = Enumerable.Range(0, 20).Select(i => store.Put([NewArticle($"small{i}")], Cancellation)).ToArray();

        foreach (var call in big) await Assert.ThrowsAsync<StoreUnavailableException>(() => call);
        await Task.WhenAll(small);

        Assert.Equal(new DocumentCounts(20, 0, 0, 0, 0), await store.Count(Cancellation));
        Assert.Equal(20, (await store.List(new DocumentQuery(), Cancellation)).Items.Count);
    }

    [Fact]
    public async Task Save_OnAFullDisk_LeavesTheStateBeforeIt()
    {
        using var folder = new TemporaryFolder();
        await using var store = SqliteDocumentStore.Open(folder.Path, TimeProvider.System, maxPages: 40);
        await store.Put([NewArticle("a"), NewArticle("b")], Cancellation);
        var first = Refined((await store.Find("a", Cancellation))!, DocumentStatus.Refining, step: 1, version: 1);
        await store.Save([first], Cancellation);
        var huge = first with { Status = DocumentStatus.Converged, State = first.State! with { Y = new float[1_000_000] } };
        var other = Refined((await store.Find("b", Cancellation))!, DocumentStatus.Converged, step: 1, version: 1);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Save([other, huge], Cancellation));

        AssertSame(first, (await store.Find("a", Cancellation))!);
        Assert.Null((await store.Find("b", Cancellation))!.State);
        Assert.Equal(new DocumentCounts(1, 1, 0, 0, 0), await store.Count(Cancellation));
        await store.AllowPages(100_000);
        Assert.Empty(await store.Save([other, huge], Cancellation));
        Assert.Equal(new DocumentCounts(0, 0, 2, 0, 0), await store.Count(Cancellation));
    }

    [Fact]
    public void Folder_InUse_NamesTheFolderAndTheProcess()
    {
        var problem = Assert.Throws<StoreUnavailableException>(() => SqliteDocumentStore.Open(_folder.Path));

        Assert.Contains(_folder.Path, problem.Message, StringComparison.Ordinal);
        Assert.Contains($"process {Environment.ProcessId}", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_IsFreeAfterDispose()
    {
        await Store.DisposeAsync();
        await using (var again = SqliteDocumentStore.Open(_folder.Path)) Assert.Equal(_folder.Path, again.Folder);
        await Reopen();
    }

    [Fact]
    public void Folder_ThatCannotBeMade_SaysWhatToDo()
    {
        var file = _folder.File("a file");
        File.WriteAllText(file, "");

        var problem = Assert.Throws<StoreUnavailableException>(() => SqliteDocumentStore.Open(Path.Combine(file, "data")));

        Assert.Contains(file, problem.Message, StringComparison.Ordinal);
        Assert.Contains("--data", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_WithoutWritePermission_SaysWhatToDo()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("permissions are set otherwise on Windows");
            return;
        }
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            if (CanWrite(folder.Path)) Assert.Skip("this user may write everywhere");
            var problem = Assert.Throws<StoreUnavailableException>(() => SqliteDocumentStore.Open(folder.Path));
            Assert.Contains("write access", problem.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        static bool CanWrite(string path)
        {
            try
            {
                File.WriteAllText(Path.Combine(path, "probe"), "");
                return true;
            }
            catch (UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Database_OfANewerSchema_IsRefused()
    {
        await Store.DisposeAsync();
        Execute("UPDATE meta SET value = '99' WHERE name = 'schema'");

        var problem = Assert.Throws<StoreUnavailableException>(() => SqliteDocumentStore.Open(_folder.Path));

        Assert.Contains("newer version", problem.Message, StringComparison.Ordinal);
        Assert.Contains("99", problem.Message, StringComparison.Ordinal);
        Execute("UPDATE meta SET value = '1' WHERE name = 'schema'");
        await Reopen();
    }

    [Fact]
    public async Task Database_OfAnotherProgram_IsRefused()
    {
        await Store.DisposeAsync();
        using var folder = new TemporaryFolder();
        using (var connection = new SqliteConnection($"Data Source={folder.File("documents.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE recipes (name TEXT)";
            command.ExecuteNonQuery();
        }

        var problem = Assert.Throws<StoreUnavailableException>(() => SqliteDocumentStore.Open(folder.Path));

        Assert.Contains("another program", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_ThatIsNoDatabase_IsRefusedAndLeftAlone()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("documents.db");
        var content = new string('x', 10_000);
        File.WriteAllText(file, content);

        var problem = Assert.Throws<StoreUnavailableException>(() => SqliteDocumentStore.Open(folder.Path));

        Assert.Contains("damaged or no database", problem.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(file));
    }

    [Fact]
    public async Task Database_LockedByAnotherProgram_SaysSo()
    {
        using var connection = new SqliteConnection($"Data Source={_folder.File("documents.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Put([NewArticle("a")], Cancellation));
        Assert.Null(await Store.Find("a", Cancellation));
        command.CommandText = "ROLLBACK";
        command.ExecuteNonQuery();

        Assert.Contains("locked by another program", problem.Message, StringComparison.Ordinal);
        Assert.False((await Store.Put([NewArticle("a")], Cancellation)).Single().Duplicate);
    }

    [Fact]
    public async Task Process_KilledInTheMiddle_LosesNothingItAcknowledged()
    {
        // The bytes on the disk at a moment without dispose: what a killed process leaves.
        await PutNumbered(50);
        await SaveStatus("d7", DocumentStatus.Converged);
        using var left = new TemporaryFolder();
        foreach (var name in (string[])["documents.db", "documents.db-wal"])
        {
            using var from = new FileStream(_folder.File(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var to = File.Create(left.File(name));
            await from.CopyToAsync(to, Cancellation);
        }

        await using var store = SqliteDocumentStore.Open(left.Path);

        Assert.Equal(new DocumentCounts(49, 0, 1, 0, 0), await store.Count(Cancellation));
        AssertSame(await Find("d7"), (await store.Find("d7", Cancellation))!);
    }

    [Fact]
    public async Task Lock_OfAKilledProcess_IsGone()
    {
        if (OperatingSystem.IsWindows() || !File.Exists("/usr/bin/flock")) Assert.Skip("needs the flock command");
        using var folder = new TemporaryFolder();
        using var holder = Process.Start("/usr/bin/flock", ["--no-fork", "--exclusive", folder.File("data.lock"), "sleep", "600"]);
        try
        {
            await File.WriteAllTextAsync(folder.File("data.pid"), holder.Id.ToString(CultureInfo.InvariantCulture), Cancellation);
            StoreUnavailableException? problem = null;
            while (problem is null && !holder.HasExited)
            {
                // flock needs a moment to take the lock; until then opening succeeds and is tried again.
                try
                {
                    using var taken = DataFolderLock.Take(folder.Path);
                }
                catch (StoreUnavailableException inUse)
                {
                    problem = inUse;
                }
                await File.WriteAllTextAsync(folder.File("data.pid"), holder.Id.ToString(CultureInfo.InvariantCulture), Cancellation);
            }
            Assert.NotNull(problem);
        }
        finally
        {
            holder.Kill();
            await holder.WaitForExitAsync(Cancellation);
        }

        await using var store = SqliteDocumentStore.Open(folder.Path);
        Assert.Equal(0, (await store.Count(Cancellation)).Total);
    }

    [Fact]
    public async Task Calls_AfterDispose_SayThatTheStoreIsClosed()
    {
        await Store.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Store.Put([NewArticle("a")], Cancellation));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Store.Find("a", Cancellation));
        await Reopen();
    }

    [Fact]
    public async Task Text_WithDamagedTrajectory_IsNamedAsSuch()
    {
        await PutNumbered(1);
        await SaveStatus("d0", DocumentStatus.Converged);
        await Store.DisposeAsync();
        Execute("UPDATE states SET trajectory = x'02AA'");
        await Reopen();

        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Find("d0", Cancellation));

        Assert.Contains("format 2", problem.Message, StringComparison.Ordinal);
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_folder.File("documents.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
