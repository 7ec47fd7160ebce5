using System.CommandLine;
using RsrNet.Cli.Embedding;
using RsrNet.Cli.Telemetry;
using RsrNet.Core;
using RsrNet.Core.Embedding;
using RsrNet.Server;
using RsrNet.Server.Configuration;
using RsrNet.Server.Documents;

namespace RsrNet.Cli.Documents;

/// <summary><c>rsrnet documents reembed</c>: changes a store over to another encoder, while no server runs on it.</summary>
internal static class ReembedCommand
{
    public static Command Create(Terminal terminal)
    {
        var encoder = EncoderChoice.Option();
        encoder.DefaultValueFactory = null;
        encoder.Required = true;
        var data = new Option<string?>("--data") { Description = $"The server's data folder. Default {terminal.DataFolder}.", HelpName = "DIR" };
        var config = new Option<string?>("--config") { Description = "The server's file of settings.", HelpName = "FILE" };
        var command = new Command(
            "reembed",
            "Embeds every document anew with another encoder. The server must be stopped; documents are learned and refined anew when it starts. "
            + "Cut off, the same command goes on where it stopped.")
        {
            encoder, data, config,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var configuration = parsed.GetValue(config) is { } file
                ? ConfigurationFile.Read(file)
                : new ConfigurationFile(new RsrNetOptions(), new ServerOptions());
            var server = ServeCommand.Override(configuration.Server, urls: null, parsed.GetValue(data), demo: false, terminal);
            var name = parsed.GetRequiredValue(encoder);
            var goal = EncoderChoice.Of(terminal, configuration.Learner.Embedding).Open(name);
            using var closing = goal as IDisposable;
            await using var storage = await ServerStorage.Open(server, configuration.Learner.Weights, cancellation: cancellation);
            var total = (await storage.Documents.Count(cancellation)).Total;
            var work = new Reembedding(storage.Documents, storage.Checkpoints, goal, configuration.Learner.Replicas, TimeProvider.System);
            long changed;
            using (var status = new StatusLine(terminal))
            {
                changed = await work.Run(done => status.Show($"{done:N0} of {total:N0} documents"), status.Notice, cancellation);
            }
            await storage.Documents.WriteSetting(SingleProcess.EncoderNameSetting, EncoderChoice.Durable(name), cancellation);
            terminal.ResultWriter.WriteLine($"{changed:N0} of {total:N0} documents embedded anew by {goal.Id}; `rsrnet serve` learns and refines them");
            return RsrNetCommand.Done;
        });
        return command;
    }
}
