using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;

namespace RsrNet.Server.Telemetry;

/// <summary>Writes to the log what happened between two looks and is worth a line: failures and their end, drifts, a readout that opens or closes.</summary>
internal sealed partial class TelemetryLog(TelemetryFeed feed, ILogger<TelemetryLog> log) : IHostedService
{
    private string? problem;
    private string? readout;
    private long failed;
    private DateTimeOffset driftsUntil;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // What is as it was before this process came is no news.
        if (feed.Latest is { } first)
        {
            (readout, failed, driftsUntil) = (first.Readout, first.Documents.Failed, first.At);
            Started(log, first.Mode, first.Encoder, first.WeightVersion, first.Documents.Total);
        }
        feed.Changed += Look;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        feed.Changed -= Look;
        return Task.CompletedTask;
    }

    private void Look()
    {
        var standing = feed.Problem ?? feed.Latest?.Problem;
        if (standing != problem)
        {
            if (standing is not null) Fails(log, standing);
            else Recovered(log, problem!);
            problem = standing;
        }
        if (feed.Latest is not { } now) return;
        if (now.Documents.Failed > failed) DocumentsFailed(log, now.Documents.Failed - failed);
        failed = now.Documents.Failed;
        if (now.Readout != readout && now.Readout is not null)
        {
            if (now.Readout == SentenceReadout.Learned) ReadoutOpened(log, now.WeightVersion, now.ReadoutGain);
            else ReadoutClosed(log, now.WeightVersion, now.ReadoutGain);
        }
        readout = now.Readout;
        foreach (var change in now.Drifts.Where(change => change.At > driftsUntil && change.IsDrift)) Drifted(log, change.Signal, change.Before, change.After, change.Detector);
        if (now.Drifts.Count > 0 && now.Drifts[^1].At > driftsUntil) driftsUntil = now.Drifts[^1].At;
    }

    [LoggerMessage(7, LogLevel.Information, "serving in the mode {Mode} with the encoder {Encoder}, from weight version {Version} and {Documents} documents on")]
    private static partial void Started(ILogger log, string mode, string encoder, long version, long documents);

    [LoggerMessage(1, LogLevel.Warning, "{Problem}")]
    private static partial void Fails(ILogger log, string problem);

    [LoggerMessage(2, LogLevel.Information, "over: {Problem}")]
    private static partial void Recovered(ILogger log, string problem);

    [LoggerMessage(3, LogLevel.Warning, "{Documents} documents failed")]
    private static partial void DocumentsFailed(ILogger log, long documents);

    [LoggerMessage(4, LogLevel.Information, "summaries are chosen by the learned readout since version {Version}; its gain is {Gain} ROUGE")]
    private static partial void ReadoutOpened(ILogger log, long version, double? gain);

    [LoggerMessage(5, LogLevel.Information, "summaries are the first sentences since version {Version}; the learned readout's gain is {Gain} ROUGE")]
    private static partial void ReadoutClosed(ILogger log, long version, double? gain);

    [LoggerMessage(6, LogLevel.Information, "drift: {Signal} fell from {Before} to {After}, found by {Detector}")]
    private static partial void Drifted(ILogger log, string signal, double before, double after, string detector);
}
