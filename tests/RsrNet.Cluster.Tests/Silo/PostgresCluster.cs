using System.Text;
using Npgsql;
using RsrNet.Cli;
using RsrNet.Cli.Embedding;
using RsrNet.Server.Configuration;
using RsrNet.Server.Tests.Cli;
using RsrNet.Server.Tests.Documents;
using RsrNet.Silo;

namespace RsrNet.Cluster.Tests.Silo;

/// <summary>A database that is prepared for a cluster, and processes that share it: in this process, or in their own.</summary>
internal sealed class PostgresCluster : IDisposable
{
    private readonly CommandRun command = new() { Edition = FullEdition.Create() };

    private PostgresCluster(string database) => Database = database;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Connection string.</summary>
    public string Database { get; }

    public CommandRun Command => command;

    public static async Task<PostgresCluster> Create(PostgresServer postgres)
    {
        await postgres.EnsureRunning();
        var name = $"cluster_{Guid.NewGuid():N}";
        var settings = new NpgsqlConnectionStringBuilder(postgres.ConnectionString("public")) { SearchPath = null, MaxPoolSize = 8 };
        await Execute(settings.ConnectionString, $"CREATE DATABASE {name}");
        settings.Database = name;
        await Execute(settings.ConnectionString, await File.ReadAllTextAsync(RepositoryFolder.Path("deploy/orleans.sql"), Cancellation));
        return new PostgresCluster(settings.ConnectionString);
    }

    private static async Task Execute(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
#pragma warning disable CA2100 // the tests' own, and a file of this project
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    /// <param name="role">Cpu, Gpu or Gateway.</param>
    /// <param name="more">Sections to add, each with a comma before it.</param>
    /// <param name="learning">Residual or Notebook.</param>
    public string Configuration(string role, string tls = "{}", string more = "", int replicas = 2, string learning = "Notebook") => $$"""
        {
          "Silo": {"Role": "{{role}}", "Dashboard": "/admin/orleans", "ProbeSeconds": 3, "Tls": {{tls}} },
          "Learning": "{{learning}}",
          "Coordination": {"Replicas": {{replicas}} },
          "Grains": {"RescanSeconds": 5},
          "Server": {"Urls": "http://127.0.0.1:0", "Database": "{{Database}}"}{{more}}
        }
        """;

    /// <summary>In this process.</summary>
    public async Task<IServing> Start(string configuration, CancellationToken cancellation)
    {
        var file = ConfigurationFile.Parse(Encoding.UTF8.GetBytes(configuration), "test.json", FullEdition.Create().Sections);
        var terminal = command.Terminal(TextWriter.Null, TextWriter.Null);
        return await ClusterProcess.Start(
            new ServingPlan(file, command.Edition.Engines.Find("cpu"), EncoderChoice.Of(terminal), null), Saying(TestContext.Current.TestOutputHelper!),
            cancellation);
    }

    /// <summary>In a process of its own.</summary>
    public Task<SiloProcess> Launch(string configuration) => SiloProcess.Start(command.Write($"{Guid.NewGuid():N}.json", configuration));

    /// <summary>A number.</summary>
    public async Task<long> Query(string sql) => Convert.ToInt64(await Select(sql), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A text.</summary>
    public async Task<string> Read(string sql) => (string)(await Select(sql))!;

    private async Task<object?> Select(string sql)
    {
        await using var source = NpgsqlDataSource.Create(Database);
#pragma warning disable CA2100 // the tests' own
        await using var select = source.CreateCommand(sql);
#pragma warning restore CA2100
        return await select.ExecuteScalarAsync(Cancellation);
    }

    public void Dispose() => command.Dispose();

    private static Action<string> Saying(ITestOutputHelper output) => line =>
    {
        try
        {
            output.WriteLine(line);
        }
        catch (InvalidOperationException)
        {
            // A silo's threads may have a last word after its test has ended; nobody listens then.
        }
    };
}
