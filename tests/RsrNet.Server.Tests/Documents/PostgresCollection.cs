namespace RsrNet.Server.Tests.Documents;

/// <summary>Tests that share one PostgreSQL server, and so run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>
{
    public const string Name = "PostgreSQL";
}
