using System.Globalization;
using Microsoft.Data.Sqlite;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// The tables. What is listed often is in <c>documents</c>, what is written once in <c>articles</c> and <c>embeddings</c>, and what each
/// supervision step changes in <c>states</c>, so that a step rewrites neither text nor x and t. All four share the sequence as their key.
/// </summary>
internal static class SqliteSchema
{
    /// <summary>Raise it with every change of the tables or of the blobs in them, and keep reading the ones before.</summary>
    public const int Version = 1;

    // AUTOINCREMENT: a sequence is never given twice, not even after its document was deleted, so a late Save cannot hit the wrong one.
    private const string Tables = """
        CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE documents (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            revision INTEGER NOT NULL,
            content_hash BLOB NOT NULL,
            ingested_at TEXT NOT NULL,
            headline TEXT NOT NULL,
            has_highlights INTEGER NOT NULL,
            status INTEGER NOT NULL DEFAULT 0,
            failure TEXT,
            learned_at INTEGER,
            run_start INTEGER NOT NULL DEFAULT 0,
            step INTEGER,
            weight_version INTEGER,
            residual_y REAL,
            residual_z REAL,
            confidence REAL,
            loss REAL,
            similarity REAL
        );
        CREATE INDEX documents_by_status ON documents (status, sequence);
        CREATE INDEX documents_unfinished ON documents (sequence) WHERE status < 2;
        CREATE INDEX documents_finished ON documents (weight_version, sequence) WHERE status IN (2, 3, 4);
        CREATE INDEX documents_learned ON documents (learned_at, sequence) WHERE learned_at IS NOT NULL;
        CREATE TABLE articles (
            sequence INTEGER PRIMARY KEY,
            title TEXT,
            text TEXT NOT NULL,
            highlights TEXT,
            labels TEXT,
            published_at TEXT
        );
        CREATE TABLE embeddings (sequence INTEGER PRIMARY KEY, encoder TEXT NOT NULL, x BLOB NOT NULL, t BLOB);
        CREATE TABLE states (sequence INTEGER PRIMARY KEY, y BLOB, z BLOB, trajectory BLOB NOT NULL);
        """;

    /// <summary>Creates the tables in an empty database; otherwise checks that this version knows them.</summary>
    /// <exception cref="StoreUnavailableException">The database is of a newer version, or of another program.</exception>
    public static void Ensure(SqliteConnection connection, string file)
    {
        var tables = Convert.ToInt64(
            Scalar(connection, "SELECT count(*) FROM sqlite_master WHERE type = 'table'"), CultureInfo.InvariantCulture);
        if (tables == 0)
        {
            // One transaction: a process that dies here leaves an empty database, not half of one.
            Run(connection, $"BEGIN IMMEDIATE; {Tables} INSERT INTO meta VALUES ('schema', '{Version}'); COMMIT;");
            return;
        }
        if (Scalar(connection, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'documents')") is not 2L)
        {
            throw new StoreUnavailableException($"'{file}' is a database of another program; choose another folder with --data");
        }
        var found = Scalar(connection, "SELECT value FROM meta WHERE name = 'schema'") as string;
        if (!int.TryParse(found, CultureInfo.InvariantCulture, out var version) || version < 1)
        {
            throw new StoreUnavailableException($"'{file}' does not say which schema it has ('{found}'); bring it back from a backup");
        }
        if (version > Version)
        {
            throw new StoreUnavailableException(
                $"'{file}' was written by a newer version of RSR-Net (schema {version}, this one knows up to {Version}); " +
                "update RSR-Net, or choose another folder with --data");
        }
    }

    public static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Only constants of this folder come here.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    public static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Only constants of this folder come here.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar();
    }
}
