using System.ComponentModel;
using System.Diagnostics;

namespace RsrNet.Server.Tests.Cli;

/// <summary>Runs programs outside of the test's process.</summary>
internal static class Shell
{
    /// <param name="variables">Environment variables that differ from the test's own.</param>
    /// <param name="patience">After this the process and its children are killed and the test fails.</param>
    public static async Task<CommandOutcome> Run(
        string program, IEnumerable<string> arguments, TimeSpan patience, IReadOnlyDictionary<string, string?>? variables = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in variables ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        using var process = StartOrSkip(start);
        process.StandardInput.Close();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new CommandOutcome(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {patience.TotalSeconds:0} s");
        }
    }

    private static Process StartOrSkip(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception problem)
        {
            Assert.Skip($"{start.FileName} cannot be started here: {problem.Message}");
            throw;
        }
    }
}
