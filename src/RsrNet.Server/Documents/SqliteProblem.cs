using Microsoft.Data.Sqlite;
using RsrNet.Core.Documents;
using static SQLitePCL.raw;

namespace RsrNet.Server.Documents;

/// <summary>Says in words what SQLite says in numbers, and what to do about it.</summary>
internal static class SqliteProblem
{
    /// <returns>The exception to throw instead; null where the failure is a mistake of this program and no state of the machine.</returns>
    public static StoreUnavailableException? Explain(Exception problem, string file)
    {
        var folder = Path.GetDirectoryName(file);
        var message = problem switch
        {
            SqliteException sqlite => sqlite.SqliteErrorCode switch
            {
                SQLITE_FULL => $"the disk of '{folder}' is full; free some space there: writing goes on by itself once there is room",
                SQLITE_READONLY or SQLITE_CANTOPEN or SQLITE_PERM or SQLITE_AUTH =>
                    $"'{file}' cannot be opened for writing; give this user write access to the file and to its folder",
                SQLITE_BUSY or SQLITE_LOCKED =>
                    $"'{file}' is locked by another program; close what has it open (a database browser, a backup)",
                SQLITE_CORRUPT or SQLITE_NOTADB =>
                    $"'{file}' is damaged or no database; stop the server, then bring it back from a backup, " +
                    "or move it away and send the articles again",
                SQLITE_IOERR or SQLITE_NOLFS or SQLITE_PROTOCOL =>
                    $"the disk of '{folder}' fails ({sqlite.Message}); check it and its file system",
                SQLITE_NOMEM => $"no memory is left for '{file}'; close other programs or give the server more",
                SQLITE_TOOBIG => "a document is larger than the database takes (1 GB)",
                _ => null,
            },
            InvalidDataException or FormatException or System.Text.Json.JsonException =>
                $"'{file}' holds something that cannot be read ({problem.Message}); bring it back from a backup, " +
                "or use the version that wrote it",
            _ => null,
        };
        return message is null ? null : new StoreUnavailableException(message, problem);
    }
}
