using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.Json.Nodes;

namespace RsrNet.Cli.Bench;

/// <summary>A process of PyTorch that answers with times; its script (torch_peer.py) says how it is asked.</summary>
internal sealed class TorchProcess : IDisposable
{
    private readonly Process _process;

    private TorchProcess(Process process, string version)
    {
        _process = process;
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
                return new TorchProcess(process, version);
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
