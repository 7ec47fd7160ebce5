using System.Diagnostics;
using System.Net.Http.Json;
using RsrNet.Server.Telemetry;

namespace RsrNet.Server.Tests.Telemetry;

public sealed class OpenTelemetryExportTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317", true)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c:4317", true)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c:4317", false)]
    [InlineData("OTEL_METRICS_EXPORTER=otlp", true)]
    [InlineData("OTEL_METRICS_EXPORTER=none;OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317", false)]
    [InlineData("OTEL_SDK_DISABLED=true;OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317", false)]
    public void Metrics_AreExportedWhereTheVariablesSaySo(string variables, bool wanted)
    {
        var known = variables.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(one => one.Split('=', 2)).ToDictionary(one => one[0], one => one[1]);
        Assert.Equal(wanted, OpenTelemetryExport.IsWanted("METRICS", known.GetValueOrDefault));
    }

    /// <summary>The program in a process of its own, as a user starts it: the variables are the process'.</summary>
    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task Collector_GetsMetricsLogsAndTheTraceOfAnArticle(string protocol)
    {
        await using var receiver = await OtlpReceiver.Start(protocol == "grpc");
        using var folder = new TemporaryFolder();
        using var program = Serve(folder, receiver.Address, protocol);
        try
        {
            using var client = new HttpClient { BaseAddress = await Ready(program) };
            using var answer = await client.PostAsJsonAsync("v1/articles", new
            {
                id = "traced", title = "Rain at last",
                text = "Rain fell on the valley for the first time since March. Farmers had waited for it. The river rose by a metre.",
                highlights = new[] { "Rain falls on the valley for the first time since March" },
            }, Cancellation);
            answer.EnsureSuccessStatusCode();

            string[] way = ["articles ingest", "embedding encode", "coordination learn", "replicas refine"];
            await Until(() => receiver.Metrics.ContainsKey("rsrnet.coordination.updates") && !receiver.Logs.IsEmpty
                && way.All(stage => receiver.Spans.Any(span => span.Name == stage))
                && receiver.Spans.Any(span => span.Name.StartsWith("POST", StringComparison.Ordinal)));

            Assert.Equal("s", receiver.Metrics["rsrnet.articles.ingest.duration"]);
            Assert.Equal(["rsrnet-under-test"], receiver.Services.Values.Distinct());
            Assert.Contains(receiver.Logs, text => text.Contains("serving in the mode", StringComparison.Ordinal));
            // One trace: the request, in it the ingest, and below that each later step of this article.
            var spans = receiver.Spans.ToArray();
            var ingest = spans.Single(span => span.Name == "articles ingest");
            var request = Assert.Single(spans, span => span.Id == ingest.Parent);
            Assert.Equal(ingest.Trace, request.Trace);
            Assert.Equal(("POST /v1/articles", "POST"), (request.Name, request.Attributes["http.request.method"]));
            foreach (var span in way[1..].Select(stage => spans.First(span => span.Name == stage)))
            {
                Assert.Equal((ingest.Trace, ingest.Id, "traced"), (span.Trace, span.Parent, span.Attributes["rsrnet.document.id"]));
            }
        }
        finally
        {
            program.Kill(entireProcessTree: true);
            await program.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static Process Serve(TemporaryFolder folder, string receiver, string protocol)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "rsrnet.dll"), "serve", "--urls", "http://127.0.0.1:0", "--data", folder.Path])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol, ["OTEL_SERVICE_NAME"] = "rsrnet-under-test",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "300", ["OTEL_BSP_SCHEDULE_DELAY"] = "200", ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
        })
        {
            start.Environment[name] = value;
        }
        var program = Process.Start(start)!;
        // Nobody reads its notices; a pipe that is full would stop it.
        program.ErrorDataReceived += static (_, _) => { };
        program.BeginErrorReadLine();
        return program;
    }

    private static async Task<Uri> Ready(Process program)
    {
        const string Said = "RSR-Net is ready: ";
        while (await program.StandardOutput.ReadLineAsync(Cancellation) is { } line)
        {
            if (!line.StartsWith(Said, StringComparison.Ordinal)) continue;
            _ = program.StandardOutput.ReadToEndAsync(CancellationToken.None);
            return new Uri(line[Said.Length..]);
        }
        throw new InvalidOperationException("the program ended before it was ready");
    }

    private static async Task Until(Func<bool> reached)
    {
        for (var began = Stopwatch.GetTimestamp(); !reached(); await Task.Delay(50, Cancellation))
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, "the collector did not get everything in three minutes");
    }
}
