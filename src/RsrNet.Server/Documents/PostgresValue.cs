using Npgsql;

namespace RsrNet.Server.Documents;

/// <summary>A statement's parameter, bound by its place: <c>$1</c>, <c>$2</c> and so on.</summary>
internal static class PostgresValue
{
    public static NpgsqlParameter Of<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };
}
