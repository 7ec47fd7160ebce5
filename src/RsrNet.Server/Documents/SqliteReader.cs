using Microsoft.Data.Sqlite;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// A read connection with its prepared statements. Each method is one statement, and so sees one moment of the database. Used by one thread
/// at a time.
/// </summary>
internal sealed class SqliteReader : IDisposable
{
    private const string Whole =
        """
        SELECT d.sequence, d.id, d.revision, d.ingested_at, a.title, d.status, d.failure, d.learned_at, d.run_start, d.step,
            d.weight_version, d.residual_y, d.residual_z, d.confidence, d.loss, d.similarity,
            a.text, a.highlights, a.labels, a.published_at,
            e.encoder, e.x, e.t, s.y, s.z, s.trajectory
        FROM documents d
        """;
    private const string Joins =
        " JOIN articles a ON a.sequence = d.sequence LEFT JOIN embeddings e ON e.sequence = d.sequence " +
        "LEFT JOIN states s ON s.sequence = d.sequence ";
    private const string Listed =
        """
        SELECT sequence, id, revision, headline, status, ingested_at, has_highlights, step, weight_version, residual_y, residual_z,
            confidence, loss, similarity
        FROM documents
        """;
    private readonly SqliteConnection _connection;
    private readonly List<SqliteStatement> _statements = [];
    private readonly SqliteStatement _setting, _find, _unfinished, _stale, _learned, _list, _listOfStatus, _index;

    /// <param name="connection">Owned from now on.</param>
    public SqliteReader(SqliteConnection connection)
    {
        _connection = connection;
        _setting = Prepare("SELECT value FROM settings WHERE name = $1", 1);
        _find = Prepare(Whole + Joins + "WHERE d.id = $1", 1);
        _unfinished = Prepare(
            Whole + " INDEXED BY documents_unfinished" + Joins + "WHERE d.status < 2 AND d.sequence > $1 ORDER BY d.sequence LIMIT $2", 2);
        _stale = Prepare(
            Whole + " INDEXED BY documents_finished" + Joins +
            "WHERE d.status IN (2, 3, 4) AND d.weight_version < $1 ORDER BY d.weight_version, d.sequence LIMIT $2", 2);
        _learned = Prepare(
            Whole + " INDEXED BY documents_learned" + Joins +
            "WHERE d.learned_at IS NOT NULL ORDER BY d.learned_at DESC, d.sequence DESC LIMIT $1", 1);
        _list = Prepare(Listed + " WHERE sequence > $1 ORDER BY sequence LIMIT $2", 2);
        _listOfStatus = Prepare(
            Listed + " INDEXED BY documents_by_status WHERE status = $3 AND sequence > $1 ORDER BY sequence LIMIT $2", 3);
        _index = Prepare(
            """
            SELECT e.sequence, d.id, d.headline, e.x, s.y FROM embeddings e JOIN documents d ON d.sequence = e.sequence
            LEFT JOIN states s ON s.sequence = e.sequence WHERE e.sequence > $1 ORDER BY e.sequence LIMIT $2
            """, 2);
    }

    public string? ReadSetting(string name) => _setting.Scalar(name) as string;

    public Document? Find(string id)
    {
        using var row = _find.Read(id);
        return row.Read() ? ReadDocument(row) : null;
    }

    public IReadOnlyList<Document> ReadUnfinished(long afterSequence, int limit) => ReadDocuments(_unfinished.Read(afterSequence, limit));

    public IReadOnlyList<Document> ReadStale(long version, int limit) => ReadDocuments(_stale.Read(version, limit));

    public IReadOnlyList<Document> ReadLearned(int limit) => ReadDocuments(_learned.Read(limit));

    public DocumentPage List(long afterSequence, int limit, DocumentStatus? status)
    {
        using var row = status is { } only
            ? _listOfStatus.Read(afterSequence, limit + 1, (int)only)
            : _list.Read(afterSequence, limit + 1);
        var items = new List<DocumentListItem>();
        while (row.Read())
        {
            if (items.Count == limit) return new DocumentPage(items, DocumentCursor.After(afterSequence));
            afterSequence = row.GetInt64(0);
            var refined = !row.IsDBNull(7);
            items.Add(new DocumentListItem(
                row.GetString(1), row.GetInt32(2), row.GetString(3), (DocumentStatus)row.GetInt32(4),
                ArticleColumns.ReadTime(row.GetString(5)),
                row.GetBoolean(6), refined ? row.GetInt32(7) : 0, refined ? row.GetInt64(8) : null, refined ? Single(row, 9) : null,
                refined ? Single(row, 10) : null, refined ? Single(row, 11) : null, SingleOrNull(row, 12), SingleOrNull(row, 13)));
        }
        return new DocumentPage(items, null);
    }

    public List<(long Sequence, IndexedDocument Document)> ReadIndex(long afterSequence, int limit)
    {
        using var row = _index.Read(afterSequence, limit);
        var documents = new List<(long, IndexedDocument)>();
        while (row.Read())
        {
            documents.Add((row.GetInt64(0), new IndexedDocument(row.GetString(1), row.GetString(2), Vector(row, 3), VectorOrNull(row, 4))));
        }
        return documents;
    }

    public void Dispose()
    {
        foreach (var statement in _statements) statement.Dispose();
        _connection.Dispose();
    }

    private static List<Document> ReadDocuments(SqliteDataReader rows)
    {
        using (rows)
        {
            var documents = new List<Document>();
            while (rows.Read()) documents.Add(ReadDocument(rows));
            return documents;
        }
    }

    private static Document ReadDocument(SqliteDataReader row) => new()
    {
        Sequence = row.GetInt64(0),
        Revision = row.GetInt32(2),
        IngestedAt = ArticleColumns.ReadTime(row.GetString(3)),
        Article = new Article(row.GetString(1), row.GetString(16))
        {
            Title = TextOrNull(row, 4),
            Highlights = ArticleColumns.ReadHighlights(TextOrNull(row, 17)),
            Labels = ArticleColumns.ReadLabels(TextOrNull(row, 18)),
            PublishedAt = TextOrNull(row, 19) is { } published ? ArticleColumns.ReadTime(published) : null,
        },
        Status = (DocumentStatus)row.GetInt32(5),
        Failure = TextOrNull(row, 6),
        LearnedAt = row.IsDBNull(7) ? null : row.GetInt64(7),
        RunStart = row.GetInt32(8),
        Embedding = row.IsDBNull(20) ? null : new DocumentEmbedding(row.GetString(20), Vector(row, 21), VectorOrNull(row, 22)),
        State = row.IsDBNull(9)
            ? null
            : new RefinementState(
                Vector(row, 23), Vector(row, 24), row.GetInt32(9), row.GetInt64(10), Single(row, 11), Single(row, 12), Single(row, 13),
                SingleOrNull(row, 14), SingleOrNull(row, 15)),
        Trajectory = row.IsDBNull(25) ? Trajectory.Empty : TrajectoryBlob.Read(row.GetFieldValue<byte[]>(25)),
    };

    private static string? TextOrNull(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static float[] Vector(SqliteDataReader row, int column) => VectorBlob.Read(row.GetFieldValue<byte[]>(column));

    private static float[]? VectorOrNull(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : Vector(row, column);

    /// <summary>SQLite keeps NaN as NULL; a number that must be there was one.</summary>
    private static float Single(SqliteDataReader row, int column) => row.IsDBNull(column) ? float.NaN : row.GetFloat(column);

    private static float? SingleOrNull(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFloat(column);

    private SqliteStatement Prepare(string sql, int parameters)
    {
        var statement = new SqliteStatement(_connection, sql, parameters);
        _statements.Add(statement);
        return statement;
    }
}
