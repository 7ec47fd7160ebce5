using System.CommandLine;
using RsrNet.Cli.Articles;
using RsrNet.Cli.Bench;
using RsrNet.Cli.Coordination;
using RsrNet.Cli.Coordination.Models;
using RsrNet.Cli.Embedding;
using RsrNet.Cli.Documents;
using RsrNet.Cli.Evaluate;
using RsrNet.Cli.Models;
using RsrNet.Cli.Replicas;
using RsrNet.Cli.Reproduce;
using RsrNet.Cli.Telemetry;
using RsrNet.Cli.Weights;
using RsrNet.Core;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Server.Configuration;

namespace RsrNet.Cli;

/// <summary>The whole command line. Exit codes: 0 done, 1 failed, 2 called in a wrong way, 130 interrupted.</summary>
internal static class RsrNetCommand
{
    public const int Done = 0, Failed = 1, Misused = 2, Interrupted = 130;

    public static RootCommand Create(Terminal terminal) =>
        new("RSR-Net keeps, for every news article of a stream, a semantic summary that gets better while the server runs.")
        {
            ServeCommand.Create(terminal),
            TestCommand(terminal),
            IngestCommand.Create(terminal),
            ShowCommand.Create(terminal),
            DocumentsCommand.Create(terminal),
            SearchCommand.Create(terminal),
            ClassifyCommand.Create(terminal),
            GenerateCommand.Create(terminal),
            WatchCommand.Create(terminal),
            TrainCommand.Create(terminal),
            EvaluateCommand.Create(terminal),
            VerifyCommand.Create(terminal),
            BenchCommand.Create(terminal),
            ReproduceCommand.Create(terminal),
            EmbedCommand.Create(terminal),
            CheckpointCommand.Create(terminal),
            ModelsCommand.Create(terminal),
            NewswireCommand.Create(terminal),
        };

    public static async Task<int> Run(string[] arguments, Terminal terminal, CancellationToken cancellation = default)
    {
        // An argument such as @home is text, not the name of a file with more arguments.
        var parsed = Create(terminal).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) terminal.Notice(error.Message);
            var path = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
            terminal.Notice($"`rsrnet{path} --help` says how.");
            return Misused;
        }
        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = terminal.ResultWriter,
                    Error = terminal.NoticeWriter,
                    EnableDefaultExceptionHandler = false,
                    // StopSignals cancels; serve needs longer than a fixed time for its last checkpoint.
                    ProcessTerminationTimeout = null,
                },
                cancellation);
        }
        catch (UsageException problem)
        {
            terminal.Notice(problem.Message);
            return Misused;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            terminal.Notice("interrupted");
            return Interrupted;
        }
        catch (Exception problem) when (
            problem is CommandException or ConfigurationException or StoreUnavailableException or WeightsRejectedException or ModelConflictException
            or EngineUnavailableException or IOException or UnauthorizedAccessException)
        {
            terminal.Notice(problem.Message);
            return Failed;
        }
    }

    private static Command TestCommand(Terminal terminal)
    {
        var command = new Command("test", "Builds and runs every test the edition has (by the launcher ./rsrnet in a source tree).")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.SetAction(_ =>
        {
            terminal.Notice("The tests are built and run by the launcher in a source tree: ./rsrnet test");
            return Failed;
        });
        return command;
    }
}
