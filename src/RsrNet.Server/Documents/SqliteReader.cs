using Microsoft.Data.Sqlite;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// A read connection with its prepared statements. Each method is one statement, and so sees one moment of the database. Used by one thread
/// at a time.
/// </summary>
internal sealed class SqliteReader : IDisposable
{
    private const string Whole = "SELECT " + DocumentColumns.Whole + " FROM documents d";
    private const string Joins = DocumentColumns.Joins;
    private const string Listed = "SELECT " + DocumentColumns.Listed + " FROM documents";
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
        _index = Prepare(DocumentColumns.Indexed + " WHERE e.sequence > $1 ORDER BY e.sequence LIMIT $2", 2);
    }

    public string? ReadSetting(string name) => _setting.Scalar(name) as string;

    public Document? Find(string id)
    {
        using var row = _find.Read(id);
        return row.Read() ? DocumentColumns.ReadWhole(row) : null;
    }

    public IReadOnlyList<Document> ReadUnfinished(long afterSequence, int limit) => ReadDocuments(_unfinished.Read(afterSequence, limit));

    public IReadOnlyList<Document> ReadStale(long version, int limit) => ReadDocuments(_stale.Read(version, limit));

    public IReadOnlyList<Document> ReadLearned(int limit) => ReadDocuments(_learned.Read(limit));

    public DocumentPage List(long afterSequence, int limit, DocumentStatus? status)
    {
        using var rows = status is { } only
            ? _listOfStatus.Read(afterSequence, limit + 1, (int)only)
            : _list.Read(afterSequence, limit + 1);
        var found = new List<(long, DocumentListItem)>();
        while (rows.Read()) found.Add(DocumentColumns.ReadListed(rows));
        return DocumentColumns.PageOf(found, limit);
    }

    public List<(long Sequence, IndexedDocument Document)> ReadIndex(long afterSequence, int limit)
    {
        using var row = _index.Read(afterSequence, limit);
        var documents = new List<(long, IndexedDocument)>();
        while (row.Read()) documents.Add(DocumentColumns.ReadIndexed(row));
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
            while (rows.Read()) documents.Add(DocumentColumns.ReadWhole(rows));
            return documents;
        }
    }

    private SqliteStatement Prepare(string sql, int parameters)
    {
        var statement = new SqliteStatement(_connection, sql, parameters);
        _statements.Add(statement);
        return statement;
    }
}
