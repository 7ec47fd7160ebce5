using System.Diagnostics;
using System.Globalization;

namespace RsrNet.Cluster.Tests.Silo;

/// <summary>The executable of the full edition, in a process of its own.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly System.Text.StringBuilder notices = new();

    private SiloProcess(string configuration)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "rsrnet-silo.dll"), "serve", "--quiet", "--config", configuration])
            start.ArgumentList.Add(argument);
        process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start");
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith("RSR-Net is ready", StringComparison.Ordinal) == true) ready.TrySetResult();
        };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (notices) notices.AppendLine(line.Data);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public bool HasEnded => process.HasExited;

    /// <param name="configuration">A file.</param>
    public static async Task<SiloProcess> Start(string configuration)
    {
        var silo = new SiloProcess(configuration);
        var ended = silo.process.WaitForExitAsync(TestContext.Current.CancellationToken);
        if (await Task.WhenAny(silo.ready.Task, ended) == ended) Assert.Fail($"the silo did not start:\n{silo.Notices}");
        return silo;
    }

    /// <summary>Standard error so far.</summary>
    public string Notices
    {
        get
        {
            lock (notices) return notices.ToString();
        }
    }

    /// <summary>As a machine that stands still, or is cut off: connections stay, and nobody answers.</summary>
    public Task Suspend() => Signal("STOP");

    public Task Resume() => Signal("CONT");

    /// <summary>As a machine that loses its power.</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"the process said:\n{Notices}");
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task Signal(string name)
    {
        using var kill = Process.Start("/bin/kill", ["-s", name, process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
