using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace RsrNet.Cli.Weights;

/// <summary><c>rsrnet checkpoint save|load|list</c>: weight versions of a running server.</summary>
internal static class CheckpointCommand
{
    public static Command Create(Terminal terminal) =>
        new("checkpoint", "Saves, loads and lists weight versions of a running server.") { Save(terminal), Load(terminal), List(terminal) };

    private static Command Save(Terminal terminal)
    {
        var file = new Argument<string?>("FILE")
        {
            Description = "A safetensors file to write here, with PyTorch's state_dict names. " +
                "Without it the server writes a checkpoint into its data folder.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var version = new Option<long?>("--version")
        {
            Description = "Which version goes into the file; without it the current one.",
            HelpName = "N",
        };
        var model = ModelOption();
        var url = ServerAddress.Option(terminal);
        var command = new Command("save", "Downloads a weight version to a file, or makes the server write a checkpoint now.")
        {
            file, version, model, url,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            if (parsed.GetValue(file) is { } path)
            {
                var name = parsed.GetValue(version)?.ToString(CultureInfo.InvariantCulture) ?? "latest";
                await Download(server, $"{Address(parsed.GetValue(model))}/{name}", Path.GetFullPath(path), terminal, cancellation);
                return RsrNetCommand.Done;
            }
            if (parsed.GetValue(version) is not null)
            {
                throw new UsageException("--version needs a file to write to; the server itself keeps that version already");
            }
            var saved = await server.Post(Address(parsed.GetValue(model)), null, cancellation);
            terminal.ResultWriter.WriteLine($"weight version {saved.Integer("version")} is durable in the server's data folder");
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static async Task Download(ServerClient server, string address, string path, Terminal terminal, CancellationToken cancellation)
    {
        // Under another name first: a download that breaks off must not stand there as a checkpoint.
        var partial = path + ".partial";
        try
        {
            await using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write))
            {
                await server.Download(address, stream, cancellation);
            }
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
        terminal.ResultWriter.WriteLine($"{path} ({new FileInfo(path).Length:N0} bytes)");
    }

    private static Option<string?> ModelOption() => new("--model") { Description = "Of this text model instead of RSR-Net.", HelpName = "NAME" };

    private static string Address(string? model) => model is null ? "v1/weights" : $"v1/models/{ServerClient.Escape(model)}/weights";

    private static Command Load(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "A safetensors file with PyTorch's state_dict names." };
        var json = new Option<bool>("--json") { Description = "The server's answer as JSON." };
        var model = ModelOption();
        var url = ServerAddress.Option(terminal);
        var command = new Command("load", "Makes a server go on from the weights of a file.") { file, model, json, url };
        command.SetAction(async (parsed, cancellation) =>
        {
            var path = parsed.GetRequiredValue(file);
            if (!File.Exists(path)) throw new CommandException($"{path}: there is no such file");
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            await using var stream = File.OpenRead(path);
            var answer = await server.PutFile(Address(parsed.GetValue(model)), stream, cancellation);
            terminal.ResultWriter.WriteLine(parsed.GetValue(json) ? JsonText.Of(answer) : $"weight version {answer.Integer("version")}");
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static Command List(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "The server's JSON." };
        var model = ModelOption();
        var url = ServerAddress.Option(terminal);
        var command = new Command("list", "Lists the weight versions a server keeps, newest first.") { model, json, url };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            var versions = await server.Get(Address(parsed.GetValue(model)), cancellation);
            if (parsed.GetValue(json)) terminal.ResultWriter.WriteLine(JsonText.Of(versions));
            else Print(versions, terminal);
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static void Print(JsonNode versions, Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns(new TableColumn("version").RightAligned(), new TableColumn("made"), new TableColumn("loss").RightAligned(),
                new TableColumn("bytes").RightAligned(), new TableColumn(""));
        foreach (var item in versions.Items("items"))
        {
            table.AddRow(
                new Text((item.Integer("version") ?? 0).ToString(CultureInfo.InvariantCulture)),
                new Text(item.Text("createdAt") ?? ""),
                new Text(item.Number("loss").Brief()),
                new Text((item.Integer("bytes") ?? 0).ToString("N0", CultureInfo.InvariantCulture)),
                new Text(item["current"]?.GetValue<bool>() == true ? "current" : ""));
        }
        terminal.Results.Write(table);
    }
}
