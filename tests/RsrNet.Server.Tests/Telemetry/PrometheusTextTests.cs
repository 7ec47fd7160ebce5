using System.Diagnostics;
using System.Diagnostics.Metrics;
using RsrNet.Server.Telemetry;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Telemetry;

public sealed class PrometheusTextTests
{
    private static readonly KeyValuePair<string, object?>[] NoTags = [];

    [Fact]
    public void Histogram_HasCumulativeBucketsSumAndCount()
    {
        var family = new MetricFamily("rsrnet_test_seconds", "A test.", MetricKind.Histogram, [0.1, 1], limit: 10);
        foreach (var value in (double[])[0.05, 0.1, 0.5, 7]) family.Record(value, NoTags);

        Assert.StartsWith(
            """
            # HELP rsrnet_test_seconds A test.
            # TYPE rsrnet_test_seconds histogram
            rsrnet_test_seconds_bucket{le="0.1"} 2
            rsrnet_test_seconds_bucket{le="1"} 3
            rsrnet_test_seconds_bucket{le="+Inf"} 4
            rsrnet_test_seconds_sum 7.65
            rsrnet_test_seconds_count 4

            """,
            Write(openMetrics: false, family), StringComparison.Ordinal);
        Assert.Contains("{le=\"1.0\"} 3", Write(openMetrics: true, family), StringComparison.Ordinal);
    }

    [Fact]
    public void Counter_IsDeclaredWithTotalInTheOldFormatOnly()
    {
        var family = new MetricFamily("rsrnet_things", "Things.", MetricKind.Counter, [], limit: 10);
        family.Record(2, [new("who.is", "a \"b\"\n\\c")]);
        family.Record(3, [new("who.is", "a \"b\"\n\\c")]);

        Assert.StartsWith("# HELP rsrnet_things_total Things.\n# TYPE rsrnet_things_total counter\nrsrnet_things_total{who_is=\"a \\\"b\\\"\\n\\\\c\"} 5\n", Write(false, family), StringComparison.Ordinal);
        var open = Write(true, family);
        Assert.StartsWith("# HELP rsrnet_things Things.\n# TYPE rsrnet_things counter\nrsrnet_things_total{", open, StringComparison.Ordinal);
        Assert.EndsWith("\n# EOF\n", open, StringComparison.Ordinal);
    }

    [Fact]
    public void Gauge_KeepsTheLastValue_AndSeriesAreBounded()
    {
        var family = new MetricFamily("rsrnet_level", "Level.", MetricKind.Gauge, [], limit: 2);
        for (var i = 0; i < 5; i++) family.Record(i, [new("n", i)]);
        family.Record(9, [new("n", 0)]);

        Assert.Equal(["n=\"0\"", "n=\"1\""], family.Series.Select(series => series.Labels));
        Assert.Equal(9, family.Series.First().Read().Value);
    }

    [Theory]
    [InlineData("s", "rsrnet_step_duration_seconds")]
    [InlineData("By", "rsrnet_step_duration_bytes")]
    [InlineData("{document}", "rsrnet_step_duration")]
    [InlineData("1", "rsrnet_step_duration")]
    [InlineData(null, "rsrnet_step_duration")]
    public void Name_GetsItsUnitAsASuffix(string? unit, string expected) => Assert.Equal(expected, PrometheusName.Of("rsrnet.step.duration", unit, MetricKind.Gauge));

    [Theory]
    [InlineData(null, false)]
    [InlineData("*/*", false)]
    [InlineData("text/plain", false)]
    [InlineData("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true)]
    [InlineData("application/openmetrics-text;q=0.3,text/plain;q=0.9", false)]
    public void OpenMetrics_IsNegotiated(string? accept, bool open) => Assert.Equal(open, PrometheusText.WantsOpenMetrics(accept));

    [Fact]
    public void Collector_TakesTheProductsMeterOnly()
    {
        using var collector = new MetricsCollector();
        using var other = new Meter("Other");
        other.CreateCounter<long>("other.things").Add(1);
        Core.Telemetry.StoreSize.Measured(123);

        Assert.DoesNotContain(collector.Families, family => family.Name.StartsWith("other", StringComparison.Ordinal));
        Assert.Equal(123, collector.Families.Single(family => family.Name == "rsrnet_documents_store_size_bytes").Series.Single().Read().Value);
    }

    [Fact]
    public async Task Metrics_OfARunningServer_SatisfyPromtool()
    {
        await using var server = await RunningServer.Start(learning: true);
        for (var i = 0; i < 4; i++) await server.PostJson("/v1/articles", $$"""{"id": "m{{i}}", "text": "Rain fell on {{i}} towns. It stopped.", "highlights": ["Rain fell"]}""");
        while ((await server.Learner.ReadTelemetry(TestContext.Current.CancellationToken)).Learned < 4) await Task.Delay(20, TestContext.Current.CancellationToken);
        var text = (await server.Get("/metrics")).Text;

        Assert.Contains("rsrnet_coordination_learned_total ", text, StringComparison.Ordinal);
        Assert.Contains("rsrnet_documents_residual_bucket{rsrnet_vector=\"y\",le=\"0.01\"} ", text, StringComparison.Ordinal);
        var promtool = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "promtool")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(promtool is null, "promtool is not installed (Debian's package prometheus)");
        using var check = Process.Start(new ProcessStartInfo(promtool!, ["check", "metrics"])
        {
            RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        await check.StandardInput.WriteAsync(text);
        check.StandardInput.Close();
        var complaints = await check.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken) + await check.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await check.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", complaints);
        Assert.Equal(0, check.ExitCode);
    }

    private static string Write(bool openMetrics, MetricFamily family)
    {
        using var process = Process.GetCurrentProcess();
        return new PrometheusText(openMetrics).Write([family], process);
    }
}
