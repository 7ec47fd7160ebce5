using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using RsrNet.Core;
using RsrNet.Server.Tests.Cli;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Telemetry;

/// <summary>deploy/ against real Prometheus; skipped where it is not installed.</summary>
public sealed class PrometheusProgramTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DeployedRulesAndConfiguration_HaveNoFaults()
    {
        foreach (var (check, file) in ((string, string)[])[("rules", "deploy/prometheus-rules.yml"), ("config", "deploy/prometheus.yml")])
        {
            var outcome = await Shell.Run("promtool", ["check", check, RepositoryFolder.Path(file)], Patience);
            Assert.True(outcome.Code == 0, outcome.Results + outcome.Notices);
        }
    }

    [Fact]
    public async Task Metrics_AreWithoutComplaint()
    {
        await using var server = await RunningServer.Start(learning: true);
        server.Demo.Start(50);
        await Learned(server);
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("metrics.txt"), (await server.Get("/metrics")).Text, Cancellation);
        var outcome = await Shell.Run("sh", ["-c", $"command -v promtool >/dev/null || exit 99; promtool check metrics < '{folder.File("metrics.txt")}'"], Patience);
        Assert.SkipWhen(outcome.Code == 99, "promtool is not installed");
        Assert.True(outcome.Code == 0 && (outcome.Results + outcome.Notices).Trim().Length == 0, outcome.Results + outcome.Notices);
    }

    [Fact]
    public async Task EveryPanelOfTheGrafanaDashboard_HasData()
    {
        using var folder = new TemporaryFolder();
        await using var server = await RunningServer.Start(
            new RsrNetOptions { Replicas = new() { Hidden = 8, Latent = 4 } }, new ServerOptions { TelemetrySeconds = 0.5 }, learning: true, knowsItsFolder: true);
        server.Demo.Start(50);
        await Learned(server);
        var port = FreePort();
        // The deployed configuration, looking at this server, more often.
        var configuration = (await File.ReadAllTextAsync(RepositoryFolder.Path("deploy/prometheus.yml"), Cancellation))
            .Replace("127.0.0.1:5080", server.Address.Authority, StringComparison.Ordinal)
            .Replace("scrape_interval: 5s", "scrape_interval: 1s", StringComparison.Ordinal)
            .Replace("prometheus-rules.yml", RepositoryFolder.Path("deploy/prometheus-rules.yml"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder.File("prometheus.yml"), configuration, Cancellation);
        using var prometheus = Start(
            "prometheus", $"--config.file={folder.File("prometheus.yml")}", $"--storage.tsdb.path={folder.File("data")}", "--log.level=error",
            string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{port}"));
        try
        {
            using var client = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")) };
            var dashboard = JsonNode.Parse(await File.ReadAllTextAsync(RepositoryFolder.Path("deploy/grafana/rsrnet.json"), Cancellation))!;
            var queries = Panels(dashboard).SelectMany(panel => panel["targets"]!.AsArray().Select(target => (
                Title: (string)panel["title"]!, Query: ((string)target!["expr"]!).Replace("$instance", ".*", StringComparison.Ordinal)))).ToList();
            Assert.True(queries.Count > 15, $"only {queries.Count} queries were found in the dashboard");
            var empty = queries;
            for (var began = DateTime.UtcNow; empty.Count > 0; await Task.Delay(500, Cancellation))
            {
                Assert.False(prometheus.HasExited, "prometheus ended by itself");
                Assert.True(DateTime.UtcNow - began < Patience, $"without data after a minute: {string.Join("; ", empty)}");
                var still = new List<(string, string)>();
                foreach (var query in empty)
                {
                    if (!await HasData(client, query.Query)) still.Add(query);
                }
                empty = still;
            }
            // The server is up, and none of the alerts stands.
            Assert.True(await HasData(client, "up{job=\"rsrnet\"} == 1"));
            Assert.False(await HasData(client, "ALERTS{alertstate=\"firing\"}"));
        }
        finally
        {
            prometheus.Kill(entireProcessTree: true);
            await prometheus.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static IEnumerable<JsonNode> Panels(JsonNode node) =>
        (node["panels"]?.AsArray() ?? []).SelectMany(panel => Panels(panel!).Prepend(panel!)).Where(panel => panel["targets"] is not null);

    private static async Task<bool> HasData(HttpClient client, string query)
    {
        try
        {
            var answer = JsonNode.Parse(await client.GetStringAsync($"api/v1/query?query={Uri.EscapeDataString(query)}", Cancellation))!;
            return answer["data"]!["result"]!.AsArray().Any(series => (string?)series!["value"]![1] is { } value && value != "NaN");
        }
        catch (HttpRequestException)
        {
            return false; // it is starting
        }
    }

    private static async Task Learned(RunningServer server)
    {
        for (var began = DateTime.UtcNow; (await server.Learner.ReadTelemetry(Cancellation)) is not { Learned: > 20, Documents.Converged: > 20 }; await Task.Delay(50, Cancellation))
            Assert.True(DateTime.UtcNow - began < Patience, "the demo stream was not learned from in a minute");
    }

    private static Process Start(string program, params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = false, UseShellExecute = false })!;
        }
        catch (System.ComponentModel.Win32Exception problem)
        {
            Assert.Skip($"{program} cannot be started here: {problem.Message}");
            throw;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
