using System.Net.Sockets;
using System.Text.Json;
using Npgsql;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>Says in words what PostgreSQL says in codes, and what to do about it. Codes: appendix A of PostgreSQL's manual.</summary>
internal static class PostgresProblem
{
    /// <summary>Whether the same transaction may well succeed now: it was in another's way.</summary>
    public static bool IsPassing(PostgresException problem) =>
        problem.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure;

    /// <returns>The exception to throw instead; null where the failure is a mistake of this program and no state of the database.</returns>
    /// <param name="place">The database, without anything secret.</param>
    public static StoreUnavailableException? Explain(Exception problem, string place)
    {
        var message = problem switch
        {
            PostgresException refusal => Explain(refusal, place),
            NpgsqlException { InnerException: TimeoutException } or TimeoutException =>
                $"{place} does not answer in time; see whether it is overloaded or behind a network that drops connections",
            NpgsqlException or SocketException or IOException =>
                $"{place} cannot be reached ({Innermost(problem)}); start it, or correct Server.Database: the next call connects anew",
            InvalidDataException or FormatException or JsonException =>
                $"{place} holds something that cannot be read ({problem.Message}); bring it back from a backup, " +
                "or use the version that wrote it",
            _ => null,
        };
        return message is null ? null : new StoreUnavailableException(message, problem);
    }

    private static string? Explain(PostgresException refusal, string place) => refusal.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            $"{place} refuses the user ({refusal.MessageText}); correct user and password in Server.Database, PGPASSWORD or the passfile",
        PostgresErrorCodes.InvalidCatalogName => $"{place} does not exist; create it: CREATE DATABASE ... ENCODING 'UTF8'",
        PostgresErrorCodes.InsufficientPrivilege =>
            $"{place} denies a right ({refusal.MessageText}); grant this user CREATE on the database, or make it the owner of the schema",
        PostgresErrorCodes.DiskFull => $"the disk of {place} is full; free some space there: writing goes on by itself once there is room",
        PostgresErrorCodes.OutOfMemory => $"{place} has no memory left ({refusal.MessageText}); give it more",
        PostgresErrorCodes.TooManyConnections =>
            $"{place} takes no more connections; raise its max_connections, or lower 'Maximum Pool Size' in Server.Database",
        PostgresErrorCodes.ReadOnlySqlTransaction => $"{place} is read-only, perhaps a standby; name the primary in Server.Database",
        PostgresErrorCodes.LockNotAvailable =>
            $"{place} is locked by another program for too long; end its transaction (see pg_stat_activity)",
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName =>
            $"{place} lost tables of RSR-Net ({refusal.MessageText}); bring it back from a backup, or restart the server to begin anew",
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted =>
            $"{place} is damaged ({refusal.MessageText}); bring it back from a backup",
        // 08: connection; 57P: shut down, crashed, starting, connection ended; 25P03: frozen in a transaction; 58: the server's own system;
        // 53: resources.
        { } code when code.StartsWith("08", StringComparison.Ordinal) || code.StartsWith("57P", StringComparison.Ordinal) || code == "25P03"
            || code.StartsWith("58", StringComparison.Ordinal) || code.StartsWith("53", StringComparison.Ordinal) =>
            $"{place} broke off ({refusal.MessageText}); once it runs again the next call connects anew",
        _ => null,
    };

    private static string Innermost(Exception problem)
    {
        while (problem.InnerException is { } inner) problem = inner;
        return problem.Message;
    }
}
