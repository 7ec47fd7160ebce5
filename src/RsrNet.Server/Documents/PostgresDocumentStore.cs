using System.Data.Common;
using System.Runtime.CompilerServices;
using Npgsql;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Documents in a PostgreSQL database that many servers may share: each sees what any of them has committed, in order of arrival.
/// Concurrent calls of one server share commits; reads use connections of their own and never wait for a write.
/// </summary>
/// <remarks>
/// Where the connection breaks in the middle of a commit, the call fails though it may have been stored. To send it again is safe: the
/// article is then a duplicate, and a saved state is written over itself.
/// </remarks>
public sealed class PostgresDocumentStore : IDocumentStore
{
    private const int IndexPage = 256;
    private const string Whole = "SELECT " + DocumentColumns.Whole + " FROM documents d" + DocumentColumns.Joins;
    private const string Listed = "SELECT " + DocumentColumns.Listed + " FROM documents WHERE sequence > $1";
    private readonly PostgresDatabase _database;
    private readonly PostgresCommitLane<ArticleRow, PutOutcome> _arrivals;
    private readonly PostgresCommitLane<StateRow, bool> _states;
    private volatile bool _disposed;

    /// <param name="database">Not disposed with the store: checkpoints may live there as well.</param>
    public PostgresDocumentStore(PostgresDatabase database, TimeProvider? time = null)
    {
        _database = database;
        var clock = time ?? TimeProvider.System;
        // Two lanes: a step of learning does not wait for a flood of articles.
        _arrivals = new(rows => database.Transact(
            transaction => PostgresArrivals.Put(transaction, rows, clock.GetUtcNow()), CancellationToken.None));
        _states = new(rows => database.Transact(transaction => PostgresStates.Save(transaction, rows), CancellationToken.None));
    }

    /// <summary>Transactions that stored articles so far: fewer than calls, as concurrent calls share them.</summary>
    internal long Commits => _arrivals.Commits;

    public async Task<string?> ReadSetting(string name, CancellationToken cancellation = default) =>
        (await Read("SELECT value FROM settings WHERE name = $1", row => row.GetString(0), cancellation, name)).SingleOrDefault();

    public Task WriteSetting(string name, string value, CancellationToken cancellation = default) => Write(
        async transaction =>
        {
            transaction.Add(
                "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                PostgresValue.Of(name), PostgresValue.Of(value));
            await transaction.Commit();
            return true;
        },
        cancellation);

    public async Task<IReadOnlyList<PutOutcome>> Put(IReadOnlyList<Article> articles, CancellationToken cancellation = default)
    {
        if (articles.Count == 0) return [];
        return await _arrivals.Write([.. articles.Select(ArticleRow.Of)], cancellation);
    }

    public async Task<Document?> Find(string id, CancellationToken cancellation = default) =>
        (await Read(Whole + "WHERE d.id = $1", DocumentColumns.ReadWhole, cancellation, id)).SingleOrDefault();

    public async Task<IReadOnlyList<long>> Save(IReadOnlyList<Document> documents, CancellationToken cancellation = default)
    {
        if (documents.Count == 0) return [];
        var saved = await _states.Write([.. documents.Select(StateRow.Of)], cancellation);
        return [.. documents.Where((_, i) => !saved[i]).Select(document => document.Sequence)];
    }

    public Task<bool> Delete(string id, CancellationToken cancellation = default) => Write(
        async transaction =>
        {
            // In turn with the arrivals: a new revision that comes meanwhile is another row, and would be missed.
            transaction.Add("SELECT last FROM arrivals FOR UPDATE");
            transaction.Add("SELECT sequence FROM documents WHERE id = $1 FOR UPDATE", PostgresValue.Of(id));
            var sequences = new List<long>();
            await using (var found = await transaction.Send())
            {
                await found.NextResultAsync();
                while (await found.ReadAsync()) sequences.Add(found.GetInt64(0));
            }
            if (sequences.Count == 0) return false;
            Remove(transaction, sequences);
            await transaction.Commit();
            return true;
        },
        cancellation);

    public async Task<DocumentPage> List(DocumentQuery query, CancellationToken cancellation = default)
    {
        var start = DocumentCursor.Start(query);
        const string order = " ORDER BY sequence LIMIT $2";
        var limit = query.Limit + 1;
        var rows = query.Status is { } status
            ? await Read(Listed + " AND status = $3" + order, DocumentColumns.ReadListed, cancellation, start, limit, (int)status)
            : await Read(Listed + order, DocumentColumns.ReadListed, cancellation, start, limit);
        return DocumentColumns.PageOf(rows, query.Limit);
    }

    public async Task<IReadOnlyList<Document>> ReadUnfinished(
        long afterSequence, int limit, CancellationToken cancellation = default) => await Read(
        Whole + "WHERE d.status < 2 AND d.sequence > $1 ORDER BY d.sequence LIMIT $2",
        DocumentColumns.ReadWhole, cancellation, afterSequence, limit);

    public async Task<IReadOnlyList<Document>> ReadStale(long version, int limit, CancellationToken cancellation = default) => await Read(
        Whole + "WHERE d.status IN (2, 3, 4) AND d.weight_version < $1 ORDER BY d.weight_version, d.sequence LIMIT $2",
        DocumentColumns.ReadWhole, cancellation, version, limit);

    public async Task<IReadOnlyList<Document>> ReadLearned(int limit, CancellationToken cancellation = default) => await Read(
        Whole + "WHERE d.learned_at IS NOT NULL ORDER BY d.learned_at DESC, d.sequence DESC LIMIT $1",
        DocumentColumns.ReadWhole, cancellation, limit);

    public Task<int> Unlearn(long version, CancellationToken cancellation = default) => Write(
        async transaction =>
        {
            transaction.Add("UPDATE documents SET weight_version = $1 WHERE weight_version > $1", PostgresValue.Of(version));
            transaction.Add(
                """
                WITH unlearned AS (
                    UPDATE documents SET learned_at = NULL, status = 0, failure = NULL, run_start = coalesce(step, 0)
                    WHERE learned_at > $1 RETURNING 1
                ) SELECT count(*) FROM unlearned
                """,
                PostgresValue.Of(version));
            long unlearned;
            await using (var count = await transaction.Send())
            {
                await count.ReadAsync();
                unlearned = count.GetInt64(0);
            }
            await transaction.Commit();
            return (int)unlearned;
        },
        cancellation);

    public async IAsyncEnumerable<IndexedDocument> ReadIndex([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        // Page by page: one long read would hold a connection, and keep the database from clearing away old rows.
        var afterSequence = 0L;
        while (true)
        {
            var page = await Read(
                DocumentColumns.Indexed + " WHERE e.sequence > $1 ORDER BY e.sequence LIMIT $2", DocumentColumns.ReadIndexed, cancellation,
                afterSequence, IndexPage);
            foreach (var (sequence, document) in page)
            {
                yield return document;
                afterSequence = sequence;
            }
            if (page.Count < IndexPage) yield break;
        }
    }

    public async Task<DocumentCounts> Count(CancellationToken cancellation = default) => (await Read(
        """
        SELECT sum(pending)::bigint, sum(refining)::bigint, sum(converged)::bigint, sum(exhausted)::bigint, sum(failed)::bigint
        FROM document_counts
        """,
        row => new DocumentCounts(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)),
        cancellation)).Single();

    /// <summary>Writes what was queued. The database stays open.</summary>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await _arrivals.Close();
        await _states.Close();
    }

    /// <summary>
    /// Takes documents away with all that belongs to them. Their rows in <c>documents</c> must be locked, so that nobody saves a state
    /// meanwhile.
    /// </summary>
    internal static void Remove(PostgresTransaction transaction, List<long> sequences)
    {
        foreach (var table in (ReadOnlySpan<string>)["articles", "embeddings", "states", "documents"])
            transaction.Add($"DELETE FROM {table} WHERE sequence = ANY ($1)", PostgresValue.Of(sequences.ToArray()));
    }

    private Task<List<T>> Read<T>(
        string sql, Func<DbDataReader, T> read, CancellationToken cancellation, params ReadOnlySpan<object> values)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var parameters = new NpgsqlParameter[values.Length];
        for (var i = 0; i < values.Length; i++) parameters[i] = new NpgsqlParameter { Value = values[i] };
        return _database.Read(sql, read, cancellation, parameters);
    }

    private Task<T> Write<T>(Func<PostgresTransaction, Task<T>> body, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _database.Transact(body, cancellation);
    }
}
