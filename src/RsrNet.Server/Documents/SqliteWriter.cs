using Microsoft.Data.Sqlite;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// All writing statements, on the one connection that writes. Used by the thread of <see cref="SqliteCommitQueue"/> only.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private const string Tables = "documents, articles, embeddings, states";
    private readonly SqliteConnection _connection;
    private readonly TimeProvider _time;
    private readonly List<SqliteWrite> _statements = [];
    private readonly SqliteWrite _find, _insertDocument, _insertArticle, _statusOf, _update;
    private readonly SqliteWrite _upsertEmbedding, _deleteEmbedding, _upsertState;
    private readonly SqliteWrite _writeSetting, _lowerVersions, _countUnlearned, _unlearn;
    private readonly SqliteWrite[] _deletes;
    private long[] _counts = new long[5];

    public SqliteWriter(SqliteConnection connection, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        _find = Prepare("SELECT sequence, revision, content_hash, ingested_at, status FROM documents WHERE id = ?1");
        _insertDocument = Prepare(
            "INSERT INTO documents (id, revision, content_hash, ingested_at, headline, has_highlights) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _insertArticle = Prepare(
            "INSERT INTO articles (sequence, title, text, highlights, labels, published_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _statusOf = Prepare("SELECT status FROM documents WHERE sequence = ?1 AND id = ?2");
        _update = Prepare(
            """
            UPDATE documents SET status = ?2, failure = ?3, learned_at = ?4, run_start = ?5, step = ?6, weight_version = ?7,
                residual_y = ?8, residual_z = ?9, confidence = ?10, loss = ?11, similarity = ?12 WHERE sequence = ?1
            """);
        // x and t do not change from step to step: comparing them spares half of the writing.
        _upsertEmbedding = Prepare(
            """
            INSERT INTO embeddings (sequence, encoder, x, t) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (sequence) DO UPDATE
                SET encoder = excluded.encoder, x = excluded.x, t = excluded.t
                WHERE encoder <> excluded.encoder OR x <> excluded.x OR t IS NOT excluded.t
            """);
        _deleteEmbedding = Prepare("DELETE FROM embeddings WHERE sequence = ?1");
        _upsertState = Prepare("INSERT OR REPLACE INTO states (sequence, y, z, trajectory) VALUES (?1, ?2, ?3, ?4)");
        _writeSetting = Prepare("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)");
        _lowerVersions = Prepare("UPDATE documents SET weight_version = ?1 WHERE weight_version > ?1");
        _countUnlearned = Prepare("SELECT status, count(*) FROM documents WHERE learned_at > ?1 GROUP BY status");
        _unlearn = Prepare(
            "UPDATE documents SET learned_at = NULL, status = 0, failure = NULL, run_start = coalesce(step, 0) WHERE learned_at > ?1");
        _deletes = [.. Tables.Split(", ").Select(table => Prepare($"DELETE FROM {table} WHERE sequence = ?1"))];
        using var counts = new SqliteWrite(connection, "SELECT status, count(*) FROM documents GROUP BY status");
        while (counts.Step()) _counts[counts.Number(0)] = counts.Number(1);
    }

    /// <summary>
    /// Documents by status as this connection sees them now, uncommitted changes included: kept here because counting a million rows takes
    /// long.
    /// </summary>
    public DocumentCounts Counts => new(_counts[0], _counts[1], _counts[2], _counts[3], _counts[4]);

    /// <summary>Counts as they are, to come back to with <see cref="ResetCounts"/> when SQLite takes changes back.</summary>
    public long[] SnapshotCounts() => [.. _counts];

    public void ResetCounts(long[] counts) => _counts = [.. counts];

    public IReadOnlyList<PutOutcome> Put(ArticleRow[] rows)
    {
        var outcomes = new PutOutcome[rows.Length];
        for (var i = 0; i < rows.Length; i++) outcomes[i] = Put(rows[i]);
        return outcomes;
    }

    public IReadOnlyList<long> Save(IReadOnlyList<Document> documents)
    {
        var passedOver = new List<long>();
        foreach (var document in documents)
        {
            if (StatusOf(document) is not { } status)
            {
                passedOver.Add(document.Sequence);
                continue;
            }
            _counts[status]--;
            _counts[(int)document.Status]++;
            var state = document.State;
            _update.Bind(1, document.Sequence).Bind(2, (long)document.Status).Bind(3, document.Failure).Bind(4, document.LearnedAt)
                .Bind(5, (long)document.RunStart).Bind(6, (long?)state?.Step).Bind(7, state?.WeightVersion).Bind(8, state?.ResidualY)
                .Bind(9, state?.ResidualZ).Bind(10, state?.Confidence).Bind(11, state?.Loss).Bind(12, state?.Similarity).Run();
            if (document.Embedding is { } embedding)
                _upsertEmbedding.Bind(1, document.Sequence).Bind(2, embedding.EncoderId).Bind(3, embedding.X).Bind(4, embedding.T).Run();
            else _deleteEmbedding.Bind(1, document.Sequence).Run();
            _upsertState.Bind(1, document.Sequence).Bind(2, state?.Y).Bind(3, state?.Z).Bind(4, TrajectoryBlob.Of(document.Trajectory)).Run();
        }
        return passedOver;
    }

    public bool Delete(string id)
    {
        if (FindRow(id) is not { } found) return false;
        Remove(found.Sequence, found.Status);
        return true;
    }

    public bool WriteSetting(string name, string value) => _writeSetting.Bind(1, name).Bind(2, value).Run() == 1;

    public int Unlearn(long version)
    {
        _lowerVersions.Bind(1, version).Run();
        _countUnlearned.Bind(1, version);
        while (_countUnlearned.Step())
        {
            _counts[_countUnlearned.Number(0)] -= _countUnlearned.Number(1);
            _counts[(int)DocumentStatus.Pending] += _countUnlearned.Number(1);
        }
        _countUnlearned.Reset();
        return _unlearn.Bind(1, version).Run();
    }

    public bool AllowPages(long pages)
    {
        SqliteSchema.Run(_connection, $"PRAGMA max_page_count = {pages}");
        return true;
    }

    public void Dispose()
    {
        foreach (var statement in _statements) statement.Dispose();
    }

    private PutOutcome Put(ArticleRow row)
    {
        var article = row.Article;
        var revision = 1;
        if (FindRow(article.Id) is { } found)
        {
            if (found.ContentHash.AsSpan().SequenceEqual(row.ContentHash))
            {
                return new PutOutcome(article.Id, found.Revision, found.Sequence, found.IngestedAt, Duplicate: true, found.Status);
            }
            revision = found.Revision + 1;
            Remove(found.Sequence, found.Status);
        }
        var now = _time.GetUtcNow();
        _insertDocument.Bind(1, article.Id).Bind(2, (long)revision).Bind(3, row.ContentHash).Bind(4, ArticleColumns.Time(now))
            .Bind(5, article.Headline).Bind(6, article.HasHighlights ? 1L : 0L).Run();
        var sequence = SQLitePCL.raw.sqlite3_last_insert_rowid(_connection.Handle);
        _insertArticle.Bind(1, sequence).Bind(2, article.Title).Bind(3, article.Text).Bind(4, row.Highlights).Bind(5, row.Labels)
            .Bind(6, ArticleColumns.Time(article.PublishedAt)).Run();
        _counts[(int)DocumentStatus.Pending]++;
        return new PutOutcome(article.Id, revision, sequence, now, Duplicate: false, DocumentStatus.Pending);
    }

    private (long Sequence, int Revision, byte[] ContentHash, DateTimeOffset IngestedAt, DocumentStatus Status)? FindRow(string id)
    {
        try
        {
            if (!_find.Bind(1, id).Step()) return null;
            return (_find.Number(0), (int)_find.Number(1), _find.Bytes(2).ToArray(), ArticleColumns.ReadTime(_find.Text(3)), (DocumentStatus)_find.Number(4));
        }
        finally
        {
            _find.Reset();
        }
    }

    /// <summary>What the store has the document as; null where it is gone, or there is a newer revision.</summary>
    private long? StatusOf(Document document)
    {
        long? status = _statusOf.Bind(1, document.Sequence).Bind(2, document.Id).Step() ? _statusOf.Number(0) : null;
        _statusOf.Reset();
        return status;
    }

    private void Remove(long sequence, DocumentStatus status)
    {
        foreach (var delete in _deletes) delete.Bind(1, sequence).Run();
        _counts[(int)status]--;
    }

    private SqliteWrite Prepare(string sql)
    {
        var statement = new SqliteWrite(_connection, sql);
        _statements.Add(statement);
        return statement;
    }
}
