using System.Buffers;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace RsrNet.Server.Documents;

/// <summary>
/// One prepared statement of the writing connection, without the layer of ADO.NET above it: values are bound to the places <c>?1</c>, <c>?2</c> and so on as
/// they lie in memory, where <see cref="SqliteStatement"/> would box each one and copy each vector. Bindings stay until they are bound anew. Used by one
/// thread at a time.
/// </summary>
internal sealed class SqliteWrite : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <exception cref="SqliteException">There is a mistake in the statement.</exception>
    public SqliteWrite(SqliteConnection connection, string sql)
    {
        _database = connection.Handle!;
        Check(sqlite3_prepare_v3(_database, sql, SQLITE_PREPARE_PERSISTENT, out _statement));
    }

    public SqliteWrite Bind(int place, long? value)
    {
        Check(value is { } number ? sqlite3_bind_int64(_statement, place, number) : sqlite3_bind_null(_statement, place));
        return this;
    }

    /// <summary>SQLite has no NaN: it becomes null.</summary>
    public SqliteWrite Bind(int place, float? value)
    {
        Check(value is { } number && !float.IsNaN(number) ? sqlite3_bind_double(_statement, place, number) : sqlite3_bind_null(_statement, place));
        return this;
    }

    public SqliteWrite Bind(int place, string? value)
    {
        if (value is null)
        {
            Check(sqlite3_bind_null(_statement, place));
            return this;
        }
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(value.Length));
        try
        {
            Check(sqlite3_bind_text(_statement, place, buffer.AsSpan(0, Encoding.UTF8.GetBytes(value, buffer))));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return this;
    }

    /// <summary>Bytes, which are copied; null for null.</summary>
    public SqliteWrite Bind(int place, byte[]? value)
    {
        Check(value is null ? sqlite3_bind_null(_statement, place) : sqlite3_bind_blob(_statement, place, value.AsSpan()));
        return this;
    }

    /// <summary>A vector as <see cref="VectorBlob"/> has it; null for null.</summary>
    public SqliteWrite Bind(int place, float[]? vector)
    {
        Check(vector is null ? sqlite3_bind_null(_statement, place) : sqlite3_bind_blob(_statement, place, VectorBlob.View(vector)));
        return this;
    }

    /// <summary>Runs it to its end.</summary>
    /// <returns>Rows changed.</returns>
    public int Run()
    {
        Step();
        Reset();
        return sqlite3_changes(_database);
    }

    /// <summary>Goes to the next row, whose columns can then be read. <see cref="Reset"/> when there are no more, or no more are wanted.</summary>
    public bool Step()
    {
        var code = sqlite3_step(_statement);
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        // The statement would keep its locks, and the reset says the same again.
        sqlite3_reset(_statement);
        Check(code);
        return false;
    }

    public void Reset() => sqlite3_reset(_statement);

    /// <param name="column">Counted from 0.</param>
    public long Number(int column) => sqlite3_column_int64(_statement, column);

    /// <param name="column">Counted from 0.</param>
    public string Text(int column) => sqlite3_column_text(_statement, column).utf8_to_string();

    /// <summary>Valid until the next step or reset.</summary>
    /// <param name="column">Counted from 0.</param>
    public ReadOnlySpan<byte> Bytes(int column) => sqlite3_column_blob(_statement, column);

    public void Dispose() => _statement.Dispose();

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, _database);
}
