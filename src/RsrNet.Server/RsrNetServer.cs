using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Server.Articles;
using RsrNet.Server.Coordination.Models;
using RsrNet.Server.Dashboard;
using RsrNet.Server.Documents;
using RsrNet.Server.Http;
using RsrNet.Server.Telemetry;
using RsrNet.Server.Weights;

namespace RsrNet.Server;

/// <summary>The HTTP API over a learner. It does not own the learner: whoever made it disposes it, after the server has stopped.</summary>
public sealed class RsrNetServer : IAsyncDisposable
{
    private readonly ServerOptions _options;

    private readonly OpenTelemetryExport _export;
    private readonly MetricsCollector _metrics;

    private RsrNetServer(WebApplication app, ServerOptions options, DemoStream demo, OpenTelemetryExport export, MetricsCollector metrics)
    {
        App = app;
        _options = options;
        Demo = demo;
        _export = export;
        _metrics = metrics;
    }

    /// <summary>The application, for what comes on top: pages, metrics, authentication.</summary>
    public WebApplication App { get; }

    /// <summary>The synthetic newswire, which the dashboard starts and stops.</summary>
    public DemoStream Demo { get; }

    /// <summary>Where the server really listens, free ports filled in. Empty before <see cref="Start"/>.</summary>
    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    /// <param name="limits">What an article may be.</param>
    /// <param name="configure">Adds services before the application is built, and logging, of which there is none otherwise.</param>
    /// <param name="dataFolder">Where the past of the numbers is kept over restarts, and whose size is shown; null keeps it in memory alone.</param>
    /// <param name="models">The text models; whoever made them disposes them, after the server has stopped. Null for none.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static RsrNetServer Build(
        ServerOptions options, ArticleLimits limits, ILearner learner, Action<WebApplicationBuilder>? configure = null, TimeProvider? time = null,
        string? dataFolder = null, ITextModels? models = null)
    {
        time ??= TimeProvider.System;
        var problems = options.Problems();
        if (problems.Count > 0) throw new ArgumentException(string.Join("; ", problems), nameof(options));
        // Empty: environment variables and appsettings.json of whatever folder it is started in must not open a port or change a limit.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "RsrNet.Server" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.WebHost.UseUrls([.. options.Addresses()]);
        builder.Services.AddRouting();
        builder.Services.ConfigureHttpJsonOptions(json => ApiJson.Apply(json.SerializerOptions));
        builder.Services.AddOpenApi("v1", openApi =>
        {
            openApi.AddOperationTransformer(RequestSchema.Describe);
            openApi.AddDocumentTransformer((document, _, _) =>
            {
                document.Info.Title = "RSR-Net";
                document.Info.Version = "v1";
                document.Info.Description = "Articles go in; their semantic summaries get better while the server runs.";
                return Task.CompletedTask;
            });
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.ShutdownSeconds));
        // Signals and the end of the process are the program's business, not the server's.
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        var demo = new DemoStream(learner, time);
        var feed = new TelemetryFeed(learner, TimeSpan.FromSeconds(options.TelemetrySeconds), dataFolder, time, models);
        builder.Services.AddSingleton(learner);
        builder.Services.AddSingleton(limits);
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton(demo);
        builder.Services.AddSingleton(new ServedModels(models));
        builder.Services.AddSingleton(feed);
        builder.Services.AddHostedService(_ => feed);
        builder.Services.AddHostedService<TelemetryLog>();
        builder.Services.AddDashboard();
        // Its warning, that keys are kept unencrypted, is of keys that are not kept at all.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        var export = OpenTelemetryExport.Start();
        export.AddLogs(builder.Logging);
        configure?.Invoke(builder);

        var metrics = new MetricsCollector();
        var app = builder.Build();
        app.UseProblemResponses();
        app.UseKey(options.Key);
        app.UseRouting();
        app.UseRequestSpans();
        app.UseDashboard();
        var stopping = app.Lifetime.ApplicationStopping;
        app.MapArticles(learner, limits, options, time);
        app.MapDocuments(learner, limits, options, stopping);
        app.MapWeights(learner, options, time);
        app.MapModels(models, learner, limits, options, stopping);
        app.MapPlane(learner);
        app.MapTelemetry(feed, options, time, stopping);
        app.MapMetrics(metrics, feed);
        app.MapDashboard();
        app.MapOpenApi();
        return new RsrNetServer(app, options, demo, export, metrics);
    }

    /// <summary>Begins to listen.</summary>
    /// <exception cref="AddressUnavailableException">An address is in use or cannot be listened at.</exception>
    public async Task Start(CancellationToken cancellation = default)
    {
        try
        {
            await App.StartAsync(cancellation);
        }
        catch (Exception problem) when (problem is IOException or SocketException or InvalidOperationException or FormatException)
        {
            var inUse = problem.InnerException is AddressInUseException || problem is AddressInUseException;
            throw new AddressUnavailableException(
                inUse
                    ? $"{_options.Urls} is in use by another program; stop that, or choose another address with --urls"
                    : $"cannot listen at {_options.Urls}: {problem.Message}; choose another address with --urls",
                problem);
        }
        Addresses = [.. App.Urls.Select(url => new Uri(url))];
    }

    /// <summary>Ends event streams at once, lets other requests finish, and stops listening.</summary>
    public async Task Stop(CancellationToken cancellation = default)
    {
        await Demo.Stop();
        await App.StopAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Demo.DisposeAsync();
        await App.DisposeAsync();
        _metrics.Dispose();
        _export.Dispose();
    }

    private sealed class EmbeddedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The server cannot listen where it was told to; the message says what to do.</summary>
public sealed class AddressUnavailableException(string message, Exception inner) : IOException(message, inner);
