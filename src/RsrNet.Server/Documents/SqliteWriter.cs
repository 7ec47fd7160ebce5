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
    private readonly List<SqliteStatement> _statements = [];
    private readonly SqliteStatement _find, _insertDocument, _insertArticle, _statusOf, _update;
    private readonly SqliteStatement _upsertEmbedding, _deleteEmbedding, _upsertState;
    private readonly SqliteStatement _writeSetting, _lowerVersions, _countUnlearned, _unlearn;
    private readonly SqliteStatement[] _deletes;
    private long[] _counts = new long[5];

    public SqliteWriter(SqliteConnection connection, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        _find = Prepare("SELECT sequence, revision, content_hash, ingested_at, status FROM documents WHERE id = $1", 1);
        _insertDocument = Prepare(
            "INSERT INTO documents (id, revision, content_hash, ingested_at, headline, has_highlights) VALUES ($1, $2, $3, $4, $5, $6)", 6);
        _insertArticle = Prepare(
            "INSERT INTO articles (sequence, title, text, highlights, labels, published_at) VALUES ($1, $2, $3, $4, $5, $6)", 6);
        _statusOf = Prepare("SELECT status FROM documents WHERE sequence = $1 AND id = $2", 2);
        _update = Prepare(
            """
            UPDATE documents SET status = $2, failure = $3, learned_at = $4, run_start = $5, step = $6, weight_version = $7,
                residual_y = $8, residual_z = $9, confidence = $10, loss = $11, similarity = $12 WHERE sequence = $1
            """, 12);
        // x and t do not change from step to step: comparing them spares half of the writing.
        _upsertEmbedding = Prepare(
            """
            INSERT INTO embeddings (sequence, encoder, x, t) VALUES ($1, $2, $3, $4) ON CONFLICT (sequence) DO UPDATE
                SET encoder = excluded.encoder, x = excluded.x, t = excluded.t
                WHERE encoder <> excluded.encoder OR x <> excluded.x OR t IS NOT excluded.t
            """, 4);
        _deleteEmbedding = Prepare("DELETE FROM embeddings WHERE sequence = $1", 1);
        _upsertState = Prepare("INSERT OR REPLACE INTO states (sequence, y, z, trajectory) VALUES ($1, $2, $3, $4)", 4);
        _writeSetting = Prepare("INSERT OR REPLACE INTO settings (name, value) VALUES ($1, $2)", 2);
        _lowerVersions = Prepare("UPDATE documents SET weight_version = $1 WHERE weight_version > $1", 1);
        _countUnlearned = Prepare("SELECT status, count(*) FROM documents WHERE learned_at > $1 GROUP BY status", 1);
        _unlearn = Prepare(
            "UPDATE documents SET learned_at = NULL, status = 0, failure = NULL, run_start = coalesce(step, 0) WHERE learned_at > $1", 1);
        _deletes = [.. Tables.Split(", ").Select(table => Prepare($"DELETE FROM {table} WHERE sequence = $1", 1))];
        using var counts = new SqliteStatement(connection, "SELECT status, count(*) FROM documents GROUP BY status");
        using var row = counts.Read();
        while (row.Read()) _counts[row.GetInt32(0)] = row.GetInt64(1);
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

    public IReadOnlyList<string> Save(StateRow[] rows)
    {
        var passedOver = new List<string>();
        foreach (var row in rows)
        {
            var (document, state) = (row.Document, row.Document.State);
            if (_statusOf.Scalar(document.Sequence, document.Id) is not long status)
            {
                passedOver.Add(document.Id);
                continue;
            }
            _counts[status]--;
            _counts[(int)document.Status]++;
            _update.Run(
                document.Sequence, (int)document.Status, document.Failure, document.LearnedAt, document.RunStart,
                state?.Step, state?.WeightVersion, Number(state?.ResidualY), Number(state?.ResidualZ), Number(state?.Confidence),
                Number(state?.Loss), Number(state?.Similarity));
            if (document.Embedding is { } embedding) _upsertEmbedding.Run(document.Sequence, embedding.EncoderId, row.X, row.T);
            else _deleteEmbedding.Run(document.Sequence);
            _upsertState.Run(document.Sequence, row.Y, row.Z, row.Trajectory);
        }
        return passedOver;
    }

    public bool Delete(string id)
    {
        if (FindRow(id) is not { } found) return false;
        Remove(found.Sequence, found.Status);
        return true;
    }

    public bool WriteSetting(string name, string value) => _writeSetting.Run(name, value) == 1;

    public int Unlearn(long version)
    {
        _lowerVersions.Run(version);
        using (var row = _countUnlearned.Read(version))
        {
            while (row.Read())
            {
                _counts[row.GetInt32(0)] -= row.GetInt64(1);
                _counts[(int)DocumentStatus.Pending] += row.GetInt64(1);
            }
        }
        return _unlearn.Run(version);
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

    /// <summary>A number as SQLite keeps it, which has no NaN.</summary>
    private static float? Number(float? value) => value is { } number && float.IsNaN(number) ? null : value;

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
        _insertDocument.Run(
            article.Id, revision, row.ContentHash, ArticleColumns.Time(now), article.Headline, article.HasHighlights ? 1 : 0);
        var sequence = SQLitePCL.raw.sqlite3_last_insert_rowid(_connection.Handle);
        _insertArticle.Run(sequence, article.Title, article.Text, row.Highlights, row.Labels, ArticleColumns.Time(article.PublishedAt));
        _counts[(int)DocumentStatus.Pending]++;
        return new PutOutcome(article.Id, revision, sequence, now, Duplicate: false, DocumentStatus.Pending);
    }

    private (long Sequence, int Revision, byte[] ContentHash, DateTimeOffset IngestedAt, DocumentStatus Status)? FindRow(string id)
    {
        using var row = _find.Read(id);
        if (!row.Read()) return null;
        var ingestedAt = ArticleColumns.ReadTime(row.GetString(3));
        return (row.GetInt64(0), row.GetInt32(1), row.GetFieldValue<byte[]>(2), ingestedAt, (DocumentStatus)row.GetInt32(4));
    }

    private void Remove(long sequence, DocumentStatus status)
    {
        foreach (var delete in _deletes) delete.Run(sequence);
        _counts[(int)status]--;
    }

    private SqliteStatement Prepare(string sql, int parameters)
    {
        var statement = new SqliteStatement(_connection, sql, parameters);
        _statements.Add(statement);
        return statement;
    }
}
