using System.Diagnostics;

namespace RsrNet.Core.Tests;

/// <summary>Any Python 3, for oracles that need no package.</summary>
internal static class PlainPython
{
    /// <summary>Runs one of the scripts under tests/pytorch and gives what it prints; skips the test where there is no Python.</summary>
    public static string Run(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo(OperatingSystem.IsWindows() ? "python" : "python3", [Path.Combine(AppContext.BaseDirectory, "pytorch", script), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{script} ended with {process.ExitCode}: {errors.Result}");
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("no python3 on PATH");
            return "";
        }
    }
}
