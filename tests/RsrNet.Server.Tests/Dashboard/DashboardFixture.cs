using Microsoft.Playwright;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Dashboard;

/// <summary>A server that learns from the demo newswire, and the system's Chromium to look at it. Null browser where there is none.</summary>
public sealed class DashboardFixture : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private IPlaywright? playwright;

    public RunningServer Server { get; private set; } = null!;

    public IBrowser? Browser { get; private set; }

    public string Reason { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        var program = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
            .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
        if (program is null)
        {
            Reason = "no Chromium is installed";
            return;
        }
        try
        {
            playwright = await Playwright.CreateAsync();
            Browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = program, Headless = true,
                Args =
                [
                    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                ],
            });
        }
        catch (PlaywrightException problem)
        {
            Reason = $"Chromium could not be started: {problem.Message}";
            return;
        }
        var options = new RsrNetOptions { Replicas = new() { Hidden = 16, Latent = 8 }, Documents = new() { RefreshWhenIdle = false } };
        Server = await RunningServer.Start(options, new ServerOptions { TelemetrySeconds = 0.3 }, learning: true, models: new Dictionary<string, ModelOptions>
        {
            // Keeps all its versions: one that a page shows must still be there when it is clicked.
            ["topics"] = new() { Label = "topic", Hidden = 2, BatchSize = 8, BatchWaitMs = 0, CheckpointArticles = 8, Keep = 100 },
            ["newsroom"] = new() { Kind = ModelKind.LanguageModel, Hidden = 16, BatchSize = 8, BatchWaitMs = 0 },
        });
        await Server.Learner.Ingest([.. new DemoNewswire().From().Take(40)]);
        while ((await Server.Learner.ReadTelemetry()) is not { Learned: > 0, Documents: { Unfinished: 0, Total: 40 } }) await Task.Delay(50);
        // Two versions to choose between.
        await Server.Learner.SaveWeights();
        await Server.Learner.Ingest([.. new DemoNewswire().From(40).Take(10)]);
        while ((await Server.Learner.ReadTelemetry()).Documents is not { Unfinished: 0, Total: 50 }) await Task.Delay(50);
        // The models, too, have several versions.
        while ((await Server.Models.List()).Any(model => model.Scores.Articles < 50)) await Task.Delay(50);
    }

    /// <summary>An open page; what the browser complained about is collected.</summary>
    public async Task<(IPage Page, List<string> Complaints)> Open(string path, int width = 1280, bool dark = false)
    {
        Assert.SkipWhen(Browser is null, Reason);
        var context = await Browser!.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = Server.Address.ToString(), ViewportSize = new ViewportSize { Width = width, Height = 900 },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
        });
        context.SetDefaultTimeout(60_000);
        var page = await context.NewPageAsync();
        var complaints = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") complaints.Add($"{message.Type}: {message.Text}");
        };
        page.PageError += (_, error) => complaints.Add(error);
        await page.GotoAsync(path);
        // The page lives once the framework has taken over what the server had drawn.
        await page.WaitForFunctionAsync("() => window.Blazor && document.querySelector('main h1')");
        await page.WaitForTimeoutAsync(1500);
        return (page, complaints);
    }

    public async ValueTask DisposeAsync()
    {
        if (Browser is not null) await Browser.DisposeAsync();
        playwright?.Dispose();
        if (Server is not null) await Server.DisposeAsync();
    }
}
