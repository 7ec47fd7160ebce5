namespace RsrNet.Cli.Bench;

/// <summary>
/// PyTorch at its best, asked for one measurement at a time, so that both sides can take turns. With several threads it has two processes,
/// one whose idle threads spin and one whose idle threads sleep: spinning suits small work, but takes the cores from OpenBLAS's own threads
/// in large. Each kind of work is measured by the process that is quicker at it.
/// </summary>
internal sealed class TorchPeer : IDisposable
{
    private readonly TorchProcess[] _processes;
    private readonly Dictionary<string, (TorchProcess Process, int Repeats)> _choices = [];

    private TorchPeer(TorchProcess[] processes) => _processes = processes;

    public string Name => $"PyTorch {_processes[0].Version}";

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
        if (!_choices.TryGetValue(work, out var choice)) _choices[work] = choice = Choose(work);
        return choice.Process.Ask(work, choice.Repeats);
    }

    /// <summary>Says something that has no answer.</summary>
    public void Tell(string line)
    {
        foreach (var process in _processes) process.Tell(line);
    }

    public void Dispose()
    {
        foreach (var process in _processes) process.Dispose();
    }

    private (TorchProcess Process, int Repeats) Choose(string work)
    {
        var (process, seconds) = _processes.Select(process => (process, Seconds: Try(process))).MinBy(tried => tried.Seconds);
        return (process, Stopclock.RepeatsFor(seconds));

        double Try(TorchProcess process)
        {
            var first = process.Ask(work, 1);
            // A look at work that takes long is enough; one at short work is not.
            return first > 0.2 ? first : process.Ask(work, 10);
        }
    }

    private static TorchPeer? Start(string python, int threads)
    {
        if (TorchProcess.Start(python, threads, spins: threads > 1) is not { } first) return null;
        return new TorchPeer(threads > 1 && TorchProcess.Start(python, threads, spins: false) is { } second ? [first, second] : [first]);
    }
}
