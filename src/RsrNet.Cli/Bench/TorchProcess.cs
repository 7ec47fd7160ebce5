using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.Json.Nodes;

namespace RsrNet.Cli.Bench;

/// <summary>A process of PyTorch that answers with times; its script (torch_peer.py) says how it is asked.</summary>
internal sealed class TorchProcess : IDisposable
{
    /// <summary>
    /// PyTorch's other threads spin on for a while after their last work (OpenBLAS's for 105 ms, the others for 30, measured) and would take a
    /// core from whatever is measured next.
    /// </summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(130);

    private readonly Process _process;
    private readonly int _threads;

    private TorchProcess(Process process, string version, int threads)
    {
        _process = process;
        _threads = threads;
        Version = version;
    }

    public string Version { get; }

    /// <param name="spins">Whether idle threads wait by spinning: quick to begin, but in the way of others.</param>
    /// <returns>Null where this Python has no torch.</returns>
    public static TorchProcess? Start(string python, int threads, bool spins)
    {
        var start = new ProcessStartInfo(python, ["-c", Script(), threads.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var count = threads.ToString(CultureInfo.InvariantCulture);
        start.Environment["OPENBLAS_NUM_THREADS"] = count;
        start.Environment["OMP_NUM_THREADS"] = count;
        start.Environment["MKL_NUM_THREADS"] = count;
        start.Environment["OMP_WAIT_POLICY"] = spins ? "ACTIVE" : "PASSIVE";
        // Actively they would spin for minutes; so much is longer than any pause inside a measurement.
        if (spins) start.Environment["GOMP_SPINCOUNT"] = "1000000";
        // Large tensors come from memory that is kept, not from the system anew each time; that made an encoder's batch 1.6 times as fast.
        start.Environment["MALLOC_MMAP_MAX_"] = "0";
        start.Environment["MALLOC_TRIM_THRESHOLD_"] = "8000000000";
        start.Environment["MALLOC_TOP_PAD_"] = "268435456";
        // OpenBLAS chooses by itself, but a preset for an older processor halves it.
        if (Vector512.IsHardwareAccelerated) start.Environment["OPENBLAS_CORETYPE"] = "SkylakeX";
        else start.Environment.Remove("OPENBLAS_CORETYPE");
        Process? process = null;
        try
        {
            process = Process.Start(start);
            process!.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            if (process.StandardOutput.ReadLine() is { } hello && JsonNode.Parse(hello)?["version"]?.GetValue<string>() is { } version)
                return new TorchProcess(process, version, threads);
        }
        catch (Exception problem) when (problem is System.ComponentModel.Win32Exception or System.Text.Json.JsonException)
        {
            // Not a Python that can be started; the next one may be.
        }
        process?.Dispose();
        return null;
    }

    /// <summary>Says something that has no answer.</summary>
    public void Tell(string line) => _process.StandardInput.WriteLine(line);

    /// <summary>Seconds of one repeat.</summary>
    /// <param name="work">Kind and size.</param>
    /// <exception cref="CommandException">The process has ended.</exception>
    public double Ask(string work, int repeats)
    {
        var question = string.Create(CultureInfo.InvariantCulture, $"{work} {repeats}");
        _process.StandardInput.WriteLine(question);
        _process.StandardInput.Flush();
        var answer = _process.StandardOutput.ReadLine() ?? throw new CommandException($"PyTorch ended at '{question}'");
        if (_threads > 1) Thread.Sleep(Settle);
        return double.Parse(answer, NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(2000)) _process.Kill();
        }
        catch (Exception problem) when (problem is InvalidOperationException or IOException)
        {
            // It has ended by itself.
        }
        _process.Dispose();
    }

    private static string Script()
    {
        using var stream = typeof(TorchProcess).Assembly.GetManifestResourceStream("RsrNet.Cli.Bench.torch_peer.py")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
