using System.CommandLine;
using System.Net.Http.Headers;
using RsrNet.Cli.Articles;
using RsrNet.Cli.Coordination;
using RsrNet.Cli.Embedding;
using RsrNet.Cli.Replicas;
using RsrNet.Cli.Telemetry;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Server;
using RsrNet.Server.Configuration;

namespace RsrNet.Cli;

/// <summary><c>rsrnet serve</c>: the server with API and learning, in this process.</summary>
internal static class ServeCommand
{
    private static readonly TimeSpan LivePause = TimeSpan.FromMilliseconds(500), LogPause = TimeSpan.FromSeconds(10);

    /// <param name="Feed">A file or folder to watch; null for none.</param>
    /// <param name="DemoRate">Articles of the demo newswire a second; null for no demo.</param>
    private sealed record Wishes(
        ConfigurationFile Configuration, EngineOffer Engine, string? Encoder, string? Feed, double? DemoRate, long? DemoDrift, bool Quiet);

    public static Command Create(Terminal terminal)
    {
        var demo = new Option<bool>("--demo")
        {
            Description = "Streams a synthetic newswire with highlights, into a data folder of its own.",
        };
        var rate = NumberOption.Of("--demo-rate", "Articles of the newswire a second.", 40.0, least: 0.01, greatest: 10_000);
        var drift = NewswireCommand.DriftOption("--demo-drift");
        var feed = new Option<string?>("--feed")
        {
            Description = "Watches a file or folder for .story, .csv, .jsonl, .ndjson and .json files, and takes new and changed articles.",
            HelpName = "PATH",
        };
        var urls = new Option<string?>("--urls")
        {
            Description = $"Where to listen; port 0 takes a free one. Default {ServerAddress.Default}.",
            HelpName = "URL",
        };
        var data = new Option<string?>("--data")
        {
            Description = $"Folder of the database and the checkpoints. Default {terminal.DataFolder}, with --demo the folder demo in it.",
            HelpName = "DIR",
        };
        var config = new Option<string?>("--config")
        {
            Description = "A JSON file of settings, such as silo-config/local.json.",
            HelpName = "FILE",
        };
        var encoder = EncoderChoice.Option();
        encoder.DefaultValueFactory = null;
        encoder.Description += " Default: the one that the data was made with, else hashed.";
        var learning = LearningChoice.Option();
        var engine = EngineChoice.Option(terminal, byDefault: null);
        var quiet = new Option<bool>("--quiet") { Description = "No line of numbers while it runs." };
        var command = new Command(
            "serve", "Runs the server: API, learning, refinement. Ctrl-C ends it; the next start goes on where it stopped.")
        {
            demo, rate, drift, feed, urls, data, config, encoder, engine, learning, quiet,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var isDemo = parsed.GetValue(demo);
            foreach (var option in (Option[])[rate, drift])
            {
                if (!isDemo && parsed.GetResult(option) is { Implicit: false }) throw new UsageException($"{option.Name} needs --demo");
            }
            var configuration = parsed.GetValue(config) is { } file
                ? ConfigurationFile.Read(file, terminal.Edition.Sections)
                : new ConfigurationFile(new RsrNetOptions(), new ServerOptions());
            configuration = configuration with
            {
                Learner = LearningChoice.Of(parsed.GetValue(learning)) is { } mode ? configuration.Learner with { Learning = mode } : configuration.Learner,
                Server = Override(configuration.Server, parsed.GetValue(urls), parsed.GetValue(data), isDemo, terminal),
            };
            var watched = parsed.GetValue(feed);
            if (watched is not null && !Path.Exists(watched))
            {
                throw new CommandException($"--feed {watched}: there is no such file or folder; make it first");
            }
            if (parsed.GetValue(encoder) is { } name) EncoderChoice.RequireFolder(name);
            var network = EngineChoice.Of(terminal, parsed.GetValue(engine), configuration.Learner.Replicas.Engine, configuration.Learner.Learning);
            var wishes = new Wishes(
                configuration, network, parsed.GetValue(encoder), watched, isDemo ? parsed.GetValue(rate) : null, parsed.GetValue(drift),
                parsed.GetValue(quiet));
            return Run(wishes, terminal, cancellation);
        });
        return command;
    }

    /// <summary>The options with what the command line says, checked.</summary>
    internal static ServerOptions Override(ServerOptions options, string? urls, string? data, bool demo, Terminal terminal)
    {
        // A folder that the configuration file names counts. The built-in default is the user's; the demo's is kept apart from real data.
        var byDefault = demo ? Path.Combine(terminal.DataFolder, "demo") : terminal.DataFolder;
        if (options.Data == new ServerOptions().Data) options = options with { Data = byDefault };
        if (data is not null) options = options with { Data = data };
        if (urls is not null) options = options with { Urls = urls };
        if (options.Problems() is { Count: > 0 } problems) throw new UsageException(string.Join("; ", problems));
        return options;
    }

    private static async Task<int> Run(Wishes wishes, Terminal terminal, CancellationToken cancellation)
    {
        using var status = new StatusLine(terminal);
        long version;
        var plan = new ServingPlan(
            wishes.Configuration, wishes.Engine, EncoderChoice.Of(terminal, wishes.Configuration.Learner.Embedding), wishes.Encoder,
            terminal.Edition.ReadSentencePiece, terminal.Edition.Engines);
        await using (var process = await terminal.Edition.Start(plan, status.Notice, cancellation))
        {
            var before = await process.Learner.ReadTelemetry(cancellation);
            status.Notice(
                $"data in {process.Place}: {before.Documents.Total:N0} documents, weight version {before.WeightVersion:N0}; " +
                $"encoder {before.Encoder}, mode {before.Mode}, engine {wishes.Engine.Name}");
            terminal.ResultWriter.WriteLine($"RSR-Net is ready: {process.Address}");
            status.Notice(wishes.DemoRate is { } rate ? $"demo newswire at {rate} articles/s; Ctrl-C stops" : "Ctrl-C stops");

            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var intake = new LearnerIntake(process.Learner, TimeProvider.System, status.Notice);
            List<Task> tasks = [Task.Delay(Timeout.Infinite, ending.Token)];
            if (wishes.DemoRate is { } articles) process.Demo.Start(articles, new DemoNewswire(driftAfter: wishes.DemoDrift));
            if (wishes.Feed is { } path)
            {
                var watcher = new FeedWatcher(path, intake, wishes.Configuration.Learner.Articles, TimeProvider.System, status.Notice);
                tasks.Add(watcher.Run(ending.Token));
            }
            var page = OpenFirstPage(process.Address, wishes.Configuration.Server.Key, ending.Token);
            if (!wishes.Quiet) tasks.Add(ShowNumbers(process.Learner, status, ending.Token));
            // Each of them runs until it is cancelled; one that ends before has failed, and the server with it.
            var first = await Task.WhenAny(tasks);
            await ending.CancelAsync();
            await page;
            await Task.WhenAll(tasks).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            status.Dispose();
            if (first.IsFaulted) await first;
            terminal.Notice("stopping: the last steps and a checkpoint are written");
            version = (await process.Learner.ReadTelemetry(CancellationToken.None)).WeightVersion;
        }
        terminal.Notice($"stopped at weight version {version:N0} or a little later; `rsrnet serve` resumes where this one stopped");
        return RsrNetCommand.Done;
    }

    /// <summary>The first page that is drawn compiles the dashboard and packs its files, two thirds of a second of work: better before somebody waits for it.</summary>
    private static async Task OpenFirstPage(Uri address, string key, CancellationToken cancellation)
    {
        using var client = new HttpClient();
        if (key.Length > 0) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        try
        {
            using var answer = await client.GetAsync(address, cancellation);
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException)
        {
            // Then the first visitor waits for it.
        }
    }

    private static async Task ShowNumbers(ILearner learner, StatusLine line, CancellationToken cancellation)
    {
        var status = new LearnerStatus();
        while (true)
        {
            await Task.Delay(line.IsLive ? LivePause : LogPause, cancellation);
            try
            {
                var numbers = status.Describe(await learner.ReadTelemetry(cancellation), drawn: line.IsLive);
                if (line.IsLive) line.Show(numbers);
                else line.Notice(numbers);
            }
            catch (StoreUnavailableException)
            {
                // The numbers come back with the store; who gives it articles says what is wrong.
            }
        }
    }
}
