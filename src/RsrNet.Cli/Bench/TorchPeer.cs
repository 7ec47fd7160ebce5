using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.Json.Nodes;

namespace RsrNet.Cli.Bench;

/// <summary>PyTorch in a process of its own, asked for one measurement at a time (the script says how), so that both sides can take turns.</summary>
internal sealed class TorchPeer : IDisposable
{
    private readonly Process _process;
    private readonly Dictionary<string, int> _repeats = [];

    private TorchPeer(Process process, string version)
    {
        _process = process;
        Name = $"PyTorch {version}";
    }

    public string Name { get; }

    /// <summary>Starts PyTorch with so many threads and the kernels that suit this processor; null where no python3 has torch.</summary>
    /// <param name="variable">Reads an environment variable: RSRNET_PYTHON names an interpreter to try before those on PATH.</param>
    public static TorchPeer? Start(int threads, Func<string, string?> variable)
    {
        var folders = (variable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        // The first python3 on PATH is not always the one with torch.
        return new[] { variable("RSRNET_PYTHON") }
            .Concat(folders.Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "python.exe" : "python3")))
            .OfType<string>()
            .Where(File.Exists)
            .Select(python => Start(python, threads))
            .FirstOrDefault(peer => peer is not null);
    }

    /// <summary>Seconds of one repeat.</summary>
    /// <param name="kind">train, refine, matmul or bart.</param>
    /// <exception cref="CommandException">The process has ended.</exception>
    public double Measure(string kind, int size)
    {
        var work = $"{kind} {size}";
        if (!_repeats.TryGetValue(work, out var repeats)) _repeats[work] = repeats = Stopclock.RepeatsFor(Ask($"{work} 3"));
        return Ask($"{work} {repeats}");
    }

    /// <summary>Says something that has no answer.</summary>
    public void Tell(string line) => _process.StandardInput.WriteLine(line);

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

    private static TorchPeer? Start(string python, int threads)
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
            {
                return new TorchPeer(process, version);
            }
        }
        catch (Exception problem) when (problem is System.ComponentModel.Win32Exception or System.Text.Json.JsonException)
        {
            // Not a Python that can be started; the next one may be.
        }
        process?.Dispose();
        return null;
    }

    private static string Script()
    {
        using var stream = typeof(TorchPeer).Assembly.GetManifestResourceStream("RsrNet.Cli.Bench.torch_peer.py")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private double Ask(string question)
    {
        _process.StandardInput.WriteLine(question);
        _process.StandardInput.Flush();
        var answer = _process.StandardOutput.ReadLine() ?? throw new CommandException($"PyTorch ended at '{question}'");
        return double.Parse(answer, NumberStyles.Float, CultureInfo.InvariantCulture);
    }
}
