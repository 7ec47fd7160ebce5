using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace RsrNet.Cli.Bench;

/// <summary>
/// What it costs to be watched: a real server in a process of its own learns from labelled articles, once with nobody looking, once with a scraper
/// every second, a dashboard open in the system's Chromium, and OTLP export of metrics, traces and logs to a receiver. The server has one half of
/// the processors, browser and receiver the other: people look from another machine.
/// </summary>
internal sealed class TelemetryCost : IAsyncDisposable
{
    private static readonly string[] Browsers = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private static readonly TimeSpan ScrapeEvery = TimeSpan.FromSeconds(1), BrowserPatience = TimeSpan.FromSeconds(30), Settle = TimeSpan.FromSeconds(12);

    private readonly WebApplication receiver;
    private readonly string? browser = Browsers.Select(Find).FirstOrDefault(path => path is not null);
    private readonly string? taskset = Environment.ProcessorCount > 1 ? Find("taskset") : null;
    private long exports;

    public TelemetryCost()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1));
        builder.Logging.ClearProviders();
        receiver = builder.Build();
        receiver.Run(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            Interlocked.Increment(ref exports);
        });
    }

    /// <summary>What was there to watch with, for the report.</summary>
    public string Setting => $"{(browser is null ? "no Chromium: an event stream in its place" : "one dashboard in Chromium")}, "
        + (taskset is null ? "all on the same processors" : "server and watchers on half of the processors each");

    /// <param name="Clock">Labelled articles a second until all were learned from.</param>
    /// <param name="Processor">The same a second of the server's processor time.</param>
    public readonly record struct Rates(double Clock, double Processor);

    public Task Start(CancellationToken cancellation) => receiver.StartAsync(cancellation);

    /// <summary>A server with an empty data folder learns from so many articles, after a fifth as many that are not timed.</summary>
    public async Task<Rates> Measure(int articles, bool watched, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("rsrnet-bench-").FullName;
        var (warmUp, body) = (Pipeline.Body(0, articles / 5), Pipeline.Body(articles / 5, articles));
        using var server = Serve(folder, watched);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Process? page = null;
        List<Task> watchers = [];
        try
        {
            using var client = new HttpClient { BaseAddress = await Ready(server, cancellation) };
            if (watched)
            {
                watchers.Add(Scrape(client.BaseAddress, watching.Token));
                if (browser is null) watchers.Add(Follow(client.BaseAddress, watching.Token));
                else page = await Open(client, folder, cancellation);
            }
            await Pipeline.Send(client, warmUp, cancellation);
            await Learned(client, articles / 5, cancellation);
            // The first looks compile what draws and exports: paid once after a start, not by who watches.
            await Task.Delay(Settle, cancellation);

            var (began, before) = (Stopwatch.GetTimestamp(), server.TotalProcessorTime);
            await Pipeline.Send(client, body, cancellation);
            await Learned(client, articles / 5 + articles, cancellation);
            var elapsed = Stopwatch.GetElapsedTime(began);
            server.Refresh();
            return new Rates(articles / elapsed.TotalSeconds, articles / (server.TotalProcessorTime - before).TotalSeconds);
        }
        finally
        {
            await watching.CancelAsync();
            foreach (var process in (Process?[])[page, server])
            {
                if (process is null) continue;
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None);
            }
            page?.Dispose();
            await Task.WhenAll(watchers);
            await Remove(folder);
        }
    }

    public ValueTask DisposeAsync() => receiver.DisposeAsync();

    /// <summary>A browser's helpers may write for a moment after it has been killed.</summary>
    private static async Task Remove(string folder)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
                return;
            }
            catch (IOException) when (attempt < 20)
            {
                await Task.Delay(100, CancellationToken.None);
            }
        }
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>A program on one half of the processors; where that cannot be chosen, on all.</summary>
    private ProcessStartInfo Half(bool first, string program, IEnumerable<string> arguments)
    {
        var half = Environment.ProcessorCount / 2;
        var (from, to) = first ? (0, half - 1) : (half, Environment.ProcessorCount - 1);
        return taskset is null
            ? new ProcessStartInfo(program, arguments)
            : new ProcessStartInfo(taskset, ["-c", string.Create(CultureInfo.InvariantCulture, $"{from}-{to}"), program, .. arguments]);
    }

    private Process Serve(string folder, bool watched)
    {
        var program = Environment.ProcessPath!;
        string[] arguments = ["serve", "--urls", "http://127.0.0.1:0", "--data", folder];
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") arguments = [Assembly.GetEntryAssembly()!.Location, .. arguments];
        var start = Half(first: true, program, arguments);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("OTEL_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        if (watched)
        {
            start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Urls.First();
            start.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
            // A minute is the standard; every few seconds is what a short measurement needs to see any, and is dearer.
            start.Environment["OTEL_METRIC_EXPORT_INTERVAL"] = "5000";
        }
        var process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        return process;
    }

    private static async Task<Uri> Ready(Process server, CancellationToken cancellation)
    {
        const string Said = "RSR-Net is ready: ";
        while (await server.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            if (!line.StartsWith(Said, StringComparison.Ordinal)) continue;
            _ = server.StandardOutput.ReadToEndAsync(CancellationToken.None);
            return new Uri(line[Said.Length..]);
        }
        throw new InvalidOperationException("the server ended before it was ready");
    }

    private static async Task Learned(HttpClient client, long articles, CancellationToken cancellation)
    {
        while (JsonNode.Parse(await client.GetStringAsync("/v1/telemetry", cancellation))!["learned"]!.GetValue<long>() < articles)
            await Task.Delay(100, cancellation);
    }

    private static async Task Scrape(Uri server, CancellationToken cancellation)
    {
        using var client = new HttpClient { BaseAddress = server };
        using var timer = new PeriodicTimer(ScrapeEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation)) await client.GetStringAsync("/metrics", cancellation);
        }
        catch (Exception ended) when (ended is OperationCanceledException or HttpRequestException)
        {
            // The measurement is over.
        }
    }

    private static async Task Follow(Uri server, CancellationToken cancellation)
    {
        using var client = new HttpClient { BaseAddress = server };
        try
        {
            await using var events = await client.GetStreamAsync("/v1/telemetry/events", cancellation);
            await events.CopyToAsync(Stream.Null, cancellation);
        }
        catch (Exception ended) when (ended is OperationCanceledException or HttpRequestException or IOException)
        {
            // The measurement is over.
        }
    }

    /// <summary>The overview in a browser without a window, once its connection is there.</summary>
    private async Task<Process> Open(HttpClient client, string folder, CancellationToken cancellation)
    {
        var start = Half(first: false, browser!,
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run",
            // Without it the program would end once the page is loaded.
            "--remote-debugging-port=0", "--window-size=1280,900", $"--user-data-dir={Path.Combine(folder, "browser")}", client.BaseAddress!.ToString(),
        ]);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        var process = Process.Start(start)!;
        foreach (var begin in (Action[])[process.BeginErrorReadLine, process.BeginOutputReadLine]) begin();
        for (var began = Stopwatch.GetTimestamp(); await Dashboards(client, cancellation) == 0; await Task.Delay(100, cancellation))
        {
            if (Stopwatch.GetElapsedTime(began) > BrowserPatience) throw new InvalidOperationException($"{browser} did not open the dashboard");
        }
        return process;
    }

    private static async Task<long> Dashboards(HttpClient client, CancellationToken cancellation)
    {
        const string Metric = "rsrnet_dashboard_connections ";
        var line = (await client.GetStringAsync("/metrics", cancellation)).Split('\n').FirstOrDefault(line => line.StartsWith(Metric, StringComparison.Ordinal));
        return line is null ? 0 : (long)double.Parse(line[Metric.Length..], CultureInfo.InvariantCulture);
    }
}
