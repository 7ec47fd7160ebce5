using System.Diagnostics;

namespace RsrNet.Core.Tests;

/// <summary>A Python that has PyTorch, for the tests that compare with it.</summary>
internal static class TorchPython
{
    private static readonly Lazy<string?> Interpreter = new(Find);

    /// <summary>Runs one of the scripts under tests/pytorch; skips the test where no Python has torch.</summary>
    public static void Run(string script, params string[] arguments)
    {
        if (Interpreter.Value is not { } python)
        {
            Assert.Skip("no python3 on PATH can import torch; set RSRNET_PYTHON to one that can");
            return;
        }
        var (exitCode, errors) = Start(python, [Path.Combine(AppContext.BaseDirectory, "pytorch", script), .. arguments]);
        Assert.True(exitCode == 0, $"{script} ended with {exitCode}: {errors}");
    }

    /// <summary>RSRNET_PYTHON first, then each python3 on PATH in order: the first is not always the one with torch.</summary>
    private static string? Find()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return new[] { Environment.GetEnvironmentVariable("RSRNET_PYTHON") }
            .Concat(folders.Select(folder => Path.Combine(folder, "python3")))
            .FirstOrDefault(python => File.Exists(python) && Start(python, ["-c", "import torch"]).ExitCode == 0);
    }

    private static (int ExitCode, string Errors) Start(string python, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(python, arguments) { RedirectStandardError = true };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors);
    }
}
