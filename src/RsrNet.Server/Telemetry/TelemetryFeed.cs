using Microsoft.Extensions.Hosting;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;

namespace RsrNet.Server.Telemetry;

/// <summary>
/// Looks at the learner once a second, keeps the past, and tells whoever follows. Everything that shows numbers shows these, so that ten open
/// dashboards cost the learner one look.
/// </summary>
/// <param name="interval">Between two looks.</param>
/// <param name="folder">Of the data: its size is measured, and the past is kept in it over restarts. Null keeps the past in memory alone.</param>
/// <param name="models">The text models beside the learner; null where there are none.</param>
internal sealed class TelemetryFeed(ILearner learner, TimeSpan interval, string? folder, TimeProvider time, ITextModels? models = null) : BackgroundService
{
    private const string FileName = "telemetry-history";
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(30), MeasureEvery = TimeSpan.FromSeconds(10);

    private long? measuredAt;
    private long? bytes;

    /// <summary>The last look; null before the first.</summary>
    public TelemetrySnapshot? Latest { get; private set; }

    /// <summary>How the challenger did at the last look; null where there is none.</summary>
    public ShadowReport? Shadow { get; private set; }

    /// <summary>Why there is no newer one: the store does not answer. Null where all is well.</summary>
    public string? Problem { get; private set; }

    public TelemetryHistory History { get; } = new();

    public TimeProvider Time => time;

    /// <summary>After each look, on the feed's thread: hand over and return.</summary>
    public event Action? Changed;

    /// <summary>The numbers now.</summary>
    public async Task<TelemetrySnapshot> Read(CancellationToken cancellation)
    {
        var numbers = await learner.ReadTelemetry(cancellation);
        if (models is not null)
        {
            numbers = numbers with { Models = [.. (await models.List(cancellation)).Select(ModelSnapshot.Of)] };
            // In a cluster, somebody else learns them.
            foreach (var model in numbers.Models) model.Show();
        }
        return bytes is { } size ? numbers with { StoreBytes = size } : numbers;
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (folder is not null) History.Load(Path.Combine(folder, FileName));
        await Look(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        var savedAt = time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await Look(stoppingToken);
                if (time.GetElapsedTime(savedAt) < SaveEvery) continue;
                Save();
                savedAt = time.GetTimestamp();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
        Save();
    }

    private async Task Look(CancellationToken cancellation)
    {
        var seldom = measuredAt is not { } at || time.GetElapsedTime(at) >= MeasureEvery;
        if (seldom)
        {
            measuredAt = time.GetTimestamp();
            Measure();
        }
        try
        {
            Latest = await Read(cancellation);
            // Its intervals are resampled: too much work for every second.
            if (seldom) Shadow = await learner.ReadShadow(cancellation);
            Problem = null;
            History.Add(Latest);
        }
        catch (StoreUnavailableException unavailable)
        {
            Problem = unavailable.Message;
        }
        catch (ObjectDisposedException)
        {
            Problem = "the learner has been closed";
        }
        Changed?.Invoke();
    }

    private void Measure()
    {
        if (folder is null) return;
        try
        {
            bytes = new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
            StoreSize.Measured(bytes.Value);
        }
        catch (IOException)
        {
            // A file went away between being seen and being measured; the next look has it.
        }
    }

    private void Save()
    {
        if (folder is null) return;
        try
        {
            History.Save(Path.Combine(folder, FileName));
        }
        catch (IOException)
        {
            // A full disk is reported by the store; a past that is a little shorter is no reason to stop.
        }
    }
}
