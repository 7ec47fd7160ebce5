using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Npgsql;
using RsrNet.Cli;
using RsrNet.Cli.Embedding;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Server.Configuration;
using RsrNet.Server.Tests;
using RsrNet.Server.Tests.Cli;
using RsrNet.Server.Tests.Documents;
using RsrNet.Silo;

namespace RsrNet.Cluster.Tests.Silo;

/// <summary>Silos and gateways as configuration makes them, over a real PostgreSQL; skipped where that is not installed.</summary>
public sealed class ClusterProcessTests(PostgresServer postgres) : IClassFixture<PostgresServer>, IDisposable
{
    private readonly CommandRun command = new() { Edition = FullEdition.Create() };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task SilosAndGateway_OverPostgresAndTls_AreOneLearner()
    {
        var database = await NewDatabase();
        using var authority = new Authority("CN=ours");
        var tls = authority.Sign(command);
        await using var first = await Start(database, "Cpu", tls);
        await using var second = await Start(database, "Gpu", tls);
        await using var gateway = await Start(database, "Gateway", tls);
        var outcomes = await gateway.Learner.Ingest([.. new DemoNewswire().From().Take(60)], Cancellation);
        Assert.Equal(60, outcomes.Count);
        await LearningCluster.Settled(gateway.Learner, 60);

        using var http = new HttpClient { BaseAddress = gateway.Address };
        var telemetry = (await http.GetFromJsonAsync<JsonNode>("v1/telemetry", Cancellation))!;
        Assert.Equal(60, (long)telemetry["documents"]!["total"]!);
        Assert.True((long)telemetry["weightVersion"]! > 0);
        // The Orleans Dashboard shows both silos, at its path and nowhere else.
        await LearningCluster.Eventually(async () =>
            (await http.GetFromJsonAsync<JsonNode>("admin/orleans/DashboardCounters?exclude=", Cancellation))!["totalActiveHostCount"]?.GetValue<int>() == 2);
        Assert.Contains("<html", await http.GetStringAsync("admin/orleans/", Cancellation), StringComparison.OrdinalIgnoreCase);
        // What one process knows the other knows, too.
        Assert.Equal((await gateway.Learner.Find("demo-42-0000003", Cancellation))!.State!.Y, (await second.Learner.Find("demo-42-0000003", Cancellation))!.State!.Y);
    }

    [Fact]
    public async Task Silo_WithACertificateOfSomebodyElse_CannotReachTheCluster()
    {
        var database = await NewDatabase();
        using var ours = new Authority("CN=ours");
        using var theirs = new Authority("CN=theirs");
        await using var first = await Start(database, "Cpu", ours.Sign(command));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        // It goes on trying; whether it got in is what counts.
        await Assert.ThrowsAnyAsync<Exception>(() => Start(database, "Gateway", theirs.Sign(command), patience.Token));
        await first.Learner.Ingest([.. new DemoNewswire().From().Take(10)], Cancellation);
        await LearningCluster.Settled(first.Learner, 10);
    }

    [Fact]
    public async Task Silo_OnADatabaseThatIsNotPrepared_SaysHow()
    {
        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await Start(await postgres.NewSchema(), "Cpu", "{}"));
        Assert.Contains("deploy/database.sh", problem.Message, StringComparison.Ordinal);
    }

    private async Task<string> NewDatabase()
    {
        var database = await postgres.NewSchema();
        await using var source = NpgsqlDataSource.Create(database);
        var schema = new NpgsqlConnectionStringBuilder(database).SearchPath;
        var tables = await File.ReadAllTextAsync(RepositoryFolder.Path("deploy/orleans.sql"), Cancellation);
#pragma warning disable CA2100 // a file of this project
        await using var create = source.CreateCommand($"CREATE SCHEMA \"{schema}\"; {tables}");
#pragma warning restore CA2100
        await create.ExecuteNonQueryAsync(Cancellation);
        return database;
    }

    private async Task<IServing> Start(string database, string role, string tls, CancellationToken cancellation = default)
    {
        var json = $$"""
            {
              "Silo": {"Role": "{{role}}", "Dashboard": "/admin/orleans", "ProbeSeconds": 1, "Tls": {{tls}} },
              "Replicas": {"Hidden": 8, "Latent": 4}, "Coordination": {"Replicas": 2},
              "Server": {"Urls": "http://127.0.0.1:0", "Database": "{{database}}"}
            }
            """;
        var configuration = ConfigurationFile.Parse(System.Text.Encoding.UTF8.GetBytes(json), "test.json", FullEdition.Create().Sections);
        var terminal = command.Terminal(TextWriter.Null, TextWriter.Null);
        return await ClusterProcess.Start(
            new ServingPlan(configuration, command.Edition.Engines.Find("cpu"), EncoderChoice.Of(terminal), null), TestContext.Current.TestOutputHelper!.WriteLine,
            cancellation == default ? Cancellation : cancellation);
    }

    /// <summary>Signs certificates.</summary>
    private sealed class Authority : IDisposable
    {
        private readonly RSA key = RSA.Create(2048);
        private readonly X509Certificate2 certificate;

        public Authority(string name)
        {
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, true));
            certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        }

        /// <returns>The section Silo.Tls with a new certificate of this authority's.</returns>
        public string Sign(CommandRun command)
        {
            using var own = RSA.Create(2048);
            var request = new CertificateRequest("CN=silo", own, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
            var from = DateTimeOffset.UtcNow.AddHours(-1);
            using var signed = request.Create(certificate, from, from.AddDays(1), RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(own);
            var pfx = Path.Combine(command.Folder, $"{Guid.NewGuid():N}.pfx");
            File.WriteAllBytes(pfx, signed.Export(X509ContentType.Pfx));
            var pem = command.Write($"{Guid.NewGuid():N}.pem", certificate.ExportCertificatePem());
            return $$"""{"Certificate": "{{pfx}}", "Authority": "{{pem}}"}""";
        }

        public void Dispose()
        {
            key.Dispose();
            certificate.Dispose();
        }
    }
}
