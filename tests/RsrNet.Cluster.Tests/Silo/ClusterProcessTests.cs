using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Server.Tests.Cli;
using RsrNet.Server.Tests.Documents;

namespace RsrNet.Cluster.Tests.Silo;

/// <summary>Silos and gateways as configuration makes them, over a real PostgreSQL; skipped where that is not installed.</summary>
public sealed class ClusterProcessTests(PostgresServer postgres) : IClassFixture<PostgresServer>
{
    private const string Small = """, "Replicas": {"Hidden": 8, "Latent": 4}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SilosAndGateway_OverPostgresAndTls_AreOneLearner()
    {
        using var cluster = await PostgresCluster.Create(postgres);
        using var authority = new Authority("CN=ours");
        var tls = authority.Sign(cluster.Command);
        await using var first = await cluster.Start(cluster.Configuration("Cpu", tls, Small), Cancellation);
        await using var second = await cluster.Start(cluster.Configuration("Gpu", tls, Small), Cancellation);
        await using var gateway = await cluster.Start(cluster.Configuration("Gateway", tls, Small), Cancellation);
        var outcomes = await gateway.Learner.Ingest([.. new DemoNewswire().From().Take(60)], Cancellation);
        Assert.Equal(60, outcomes.Count);
        await LearningCluster.Settled(gateway.Learner, 60);

        using var http = new HttpClient { BaseAddress = gateway.Address };
        // The store is counted now and then, not for each look.
        await LearningCluster.Eventually(async () =>
            await http.GetFromJsonAsync<JsonNode>("v1/telemetry", Cancellation) is { } telemetry
            && (long)telemetry["documents"]!["total"]! == 60 && (long)telemetry["weightVersion"]! > 0, "the telemetry");
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
        using var cluster = await PostgresCluster.Create(postgres);
        using var ours = new Authority("CN=ours");
        using var theirs = new Authority("CN=theirs");
        await using var first = await cluster.Start(cluster.Configuration("Cpu", ours.Sign(cluster.Command), Small), Cancellation);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        // It goes on trying; whether it got in is what counts.
        await Assert.ThrowsAnyAsync<Exception>(
            () => cluster.Start(cluster.Configuration("Gateway", theirs.Sign(cluster.Command), Small), patience.Token));
        await first.Learner.Ingest([.. new DemoNewswire().From().Take(10)], Cancellation);
        await LearningCluster.Settled(first.Learner, 10);
    }

    [Fact]
    public async Task Silo_OnADatabaseThatIsNotPrepared_SaysHow()
    {
        using var cluster = await PostgresCluster.Create(postgres);
        await cluster.Query("WITH gone AS (DELETE FROM OrleansQuery RETURNING 1) SELECT count(*) FROM gone");
        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => cluster.Start(cluster.Configuration("Cpu"), Cancellation));
        Assert.Contains("deploy/database.sh", problem.Message, StringComparison.Ordinal);
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
