using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Documents in one SQLite file, <c>documents.db</c> in the data folder, which it holds for itself. Writes go through one thread with group
/// commit
/// (write-ahead log, flushed to the disk before a call completes); reads use connections of their own and never wait for a write.
/// </summary>
public sealed class SqliteDocumentStore : IDocumentStore
{
    private const int IndexPage = 256;
    private readonly DataFolderLock _folder;
    private readonly string _file;
    private readonly SqliteCommitQueue _queue;
    private readonly ConcurrentBag<SqliteReader> _idleReaders = [];
    private volatile bool _disposed;

    private SqliteDocumentStore(DataFolderLock folder, string file, SqliteCommitQueue queue)
    {
        _folder = folder;
        _file = file;
        _queue = queue;
    }

    /// <summary>Full path of the data folder.</summary>
    public string Folder => _folder.Folder;

    /// <summary>Opens the store of a data folder; creates both where they are missing.</summary>
    /// <exception cref="StoreUnavailableException">The folder is in use or cannot be written, or its database cannot be read by this
    /// version.</exception>
    public static SqliteDocumentStore Open(string folder, TimeProvider? time = null) =>
        Open(folder, time ?? TimeProvider.System, maxPages: null);

    /// <param name="maxPages">Pages the database may grow to; beyond it writes fail as on a full disk. For tests.</param>
    internal static SqliteDocumentStore Open(string folder, TimeProvider time, long? maxPages)
    {
        var held = DataFolderLock.Take(folder);
        var file = Path.Combine(held.Folder, "documents.db");
        SqliteConnection? connection = null;
        try
        {
            connection = Connect(file, SqliteOpenMode.ReadWriteCreate);
            // SQLite opens a file that may not be written for reading, and says nothing of it.
            if (SQLitePCL.raw.sqlite3_db_readonly(connection.Handle, "main") == 1)
                throw new SqliteException("read-only", SQLitePCL.raw.SQLITE_READONLY);
            // A state of d = 768 is about 4 KB and an article about as much: a page holds one or two rows, and a step rewrites little
            // beside its own.
            SqliteSchema.Run(connection, "PRAGMA page_size = 8192");
            SqliteSchema.Run(connection, "PRAGMA journal_mode = WAL");
            // FULL: the log is flushed at every commit. NORMAL would lose acknowledged articles with the power supply.
            SqliteSchema.Run(connection, "PRAGMA synchronous = FULL");
            // 64 MB: a page that changes again and again, as those of the indexes do, is copied into the database once in so many.
            SqliteSchema.Run(connection, "PRAGMA wal_autocheckpoint = 8000");
            SqliteSchema.Run(connection, "PRAGMA journal_size_limit = 67108864");
            SqliteSchema.Run(connection, "PRAGMA cache_size = -32768");
            SqliteSchema.Ensure(connection, file);
            if (maxPages is { } pages) SqliteSchema.Run(connection, $"PRAGMA max_page_count = {pages}");
            return new SqliteDocumentStore(held, file, new SqliteCommitQueue(connection, file, time));
        }
        catch (Exception problem)
        {
            connection?.Dispose();
            held.Dispose();
            if (SqliteProblem.Explain(problem, file) is { } explained) throw explained;
            throw;
        }
    }

    /// <summary>Transactions committed since the store was opened: fewer than calls, as concurrent calls share them.</summary>
    internal long Commits => _queue.Commits;

    /// <summary>Lets the database grow to so many pages from now on. For tests.</summary>
    internal Task AllowPages(long pages) =>
        _queue.Write(writer => writer.AllowPages(pages), CancellationToken.None);

    public Task<string?> ReadSetting(string name, CancellationToken cancellation = default) =>
        Read(reader => reader.ReadSetting(name), cancellation);

    public Task WriteSetting(string name, string value, CancellationToken cancellation = default) =>
        _queue.Write(writer => writer.WriteSetting(name, value), cancellation);

    public Task<IReadOnlyList<PutOutcome>> Put(IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        ArticleRow[] rows = [.. articles.Select(ArticleRow.Of)];
        return _queue.Write(writer => writer.Put(rows), cancellation);
    }

    public Task<Document?> Find(string id, CancellationToken cancellation = default) => Read(reader => reader.Find(id), cancellation);

    public Task<IReadOnlyList<long>> Save(IReadOnlyList<Document> documents, CancellationToken cancellation = default) =>
        _queue.Write(writer => writer.Save(documents), cancellation);

    public Task<bool> Delete(string id, CancellationToken cancellation = default) =>
        _queue.Write(writer => writer.Delete(id), cancellation);

    public Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default)
    {
        var start = DocumentCursor.Start(query);
        return Read(reader => reader.List(start, query.Limit, query.Status), cancellation);
    }

    public Task<IReadOnlyList<Document>> ReadUnfinished(long afterSequence, int limit, CancellationToken cancellation = default) =>
        Read(reader => reader.ReadUnfinished(afterSequence, limit), cancellation);

    public Task<IReadOnlyList<Document>> ReadStale(long version, int limit, CancellationToken cancellation = default) =>
        Read(reader => reader.ReadStale(version, limit), cancellation);

    public Task<IReadOnlyList<Document>> ReadLearned(int limit, CancellationToken cancellation = default) =>
        Read(reader => reader.ReadLearned(limit), cancellation);

    public Task<int> Unlearn(long version, CancellationToken cancellation = default) =>
        _queue.Write(writer => writer.Unlearn(version), cancellation);

    public async IAsyncEnumerable<IndexedDocument> ReadIndex([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        // Page by page: one long read would keep the write-ahead log from being folded back into the database.
        var afterSequence = 0L;
        while (true)
        {
            var from = afterSequence;
            var page = await Read(reader => reader.ReadIndex(from, IndexPage), cancellation);
            foreach (var (sequence, document) in page)
            {
                yield return document;
                afterSequence = sequence;
            }
            if (page.Count < IndexPage) yield break;
        }
    }

    public Task<DocumentCounts> Count(CancellationToken cancellation = default) =>
        cancellation.IsCancellationRequested ? Task.FromCanceled<DocumentCounts>(cancellation) : Task.FromResult(_queue.Counts);

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _queue.DisposeAsync();
        while (_idleReaders.TryTake(out var reader)) reader.Dispose();
        _folder.Dispose();
    }

    private static SqliteConnection Connect(string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file, Mode = mode, Pooling = false, DefaultTimeout = 5,
        }.ToString());
        try
        {
            connection.Open();
            SQLitePCL.raw.sqlite3_busy_timeout(connection.Handle, 5_000);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private async Task<T> Read<T>(Func<SqliteReader, T> read, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        // SQLite blocks the thread it is called on, at times for a disk; the caller's may be the one that serves requests.
        return await Task.Run(
            () =>
            {
                SqliteReader? reader = null;
                try
                {
                    if (!_idleReaders.TryTake(out reader)) reader = new SqliteReader(ConnectReader());
                    var result = read(reader);
                    if (_disposed) reader.Dispose();
                    else _idleReaders.Add(reader);
                    return result;
                }
                catch (Exception problem)
                {
                    reader?.Dispose();
                    if (SqliteProblem.Explain(problem, _file) is { } explained) throw explained;
                    throw;
                }
            },
            cancellation);
    }

    private SqliteConnection ConnectReader()
    {
        var connection = Connect(_file, SqliteOpenMode.ReadWrite);
        SqliteSchema.Run(connection, "PRAGMA query_only = 1");
        SqliteSchema.Run(connection, "PRAGMA cache_size = -8192");
        return connection;
    }
}
