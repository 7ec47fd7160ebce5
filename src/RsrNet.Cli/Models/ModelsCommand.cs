using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace RsrNet.Cli.Models;

/// <summary><c>rsrnet models pull|list|import</c>: encoders that need files.</summary>
internal static class ModelsCommand
{
    public static Command Create(Terminal terminal) =>
        new("models", "Downloads, lists and imports the models that encoders need.") { Pull(terminal), List(terminal), Import(terminal) };

    /// <summary>The library of the terminal's user.</summary>
    public static ModelLibrary LibraryOf(Terminal terminal) => new(Path.Combine(terminal.DataFolder, "models"));

    private static Command Pull(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = $"OWNER/NAME on the hub; bart-base is short for {ModelName.BartBase}." };
        var revision = new Option<string>("--revision") { Description = "Branch, tag or commit.", HelpName = "REV", DefaultValueFactory = _ => "main" };
        var hub = new Option<string?>("--hub")
        {
            Description = $"The hub's address. Default: HF_ENDPOINT of the environment, else {ModelHub.Default}.", HelpName = "URL",
        };
        var command = new Command("pull", "Downloads a model; goes on where an earlier download was cut off. HF_TOKEN is sent to the hub where it is set.")
        {
            name, revision, hub,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var model = ModelName.Check(ModelName.Resolve(parsed.GetRequiredValue(name)));
            var address = parsed.GetValue(hub) ?? NonEmpty(terminal.Variable("HF_ENDPOINT")) ?? ModelHub.Default;
            using var source = new ModelHub(HubAddress(address), NonEmpty(terminal.Variable("HF_TOKEN")), TimeProvider.System);
            var pull = new ModelPull(source, LibraryOf(terminal), model, parsed.GetRequiredValue(revision));
            try
            {
                await pull.Look(cancellation);
                terminal.Notice($"{model} from {source.Address}: {Megabytes(pull.Size)}");
                var installed = await WithProgress(pull, terminal, cancellation);
                terminal.ResultWriter.WriteLine($"{installed.Name} is in {installed.Folder}; use it with --encoder {Short(installed.Name)}");
                return RsrNetCommand.Done;
            }
            catch (HubException problem)
            {
                throw new CommandException(
                    $"{problem.Message}{Environment.NewLine}Without a way to the hub: on a machine that has one, download "
                    + $"{string.Join(", ", ModelLibrary.Required)} and {ModelLibrary.Weights[0]} from {source.Address}{model}/tree/main into a folder, "
                    + $"bring the folder here, and run `rsrnet models import FOLDER --name {model}`.", problem);
            }
        });
        return command;
    }

    private static Command List(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "JSON: {folder, models: [{name, folder, bytes}]}." };
        var command = new Command("list", "Lists the models on this machine.") { json };
        command.SetAction(parsed =>
        {
            var library = LibraryOf(terminal);
            var models = library.List();
            if (parsed.GetValue(json))
            {
                terminal.ResultWriter.WriteLine(JsonText.Of(new { folder = library.Root, models }));
                return RsrNetCommand.Done;
            }
            foreach (var model in models) terminal.ResultWriter.WriteLine($"{model.Name}  {Megabytes(model.Bytes)}  {model.Folder}");
            if (models.Count == 0) terminal.Notice($"no models in {library.Root}; `rsrnet models pull {ModelName.BartBase}` downloads one");
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static Command Import(Terminal terminal)
    {
        var folder = new Argument<string>("FOLDER") { Description = "A folder as Hugging Face ships it: config.json, weights, vocab.json, merges.txt (or fairseq's encoder.json, vocab.bpe, dict.txt)." };
        var name = new Option<string?>("--name") { Description = "What it is called here. Default: the folder's name.", HelpName = "NAME" };
        var command = new Command("import", "Copies a model that was brought by hand.") { folder, name };
        command.SetAction(parsed =>
        {
            var source = Path.GetFullPath(parsed.GetRequiredValue(folder));
            var wanted = parsed.GetValue(name)
                ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(source)).Replace("--", "/", StringComparison.Ordinal);
            var installed = LibraryOf(terminal).Import(source, ModelName.Check(ModelName.Resolve(wanted)));
            terminal.ResultWriter.WriteLine($"{installed.Name} is in {installed.Folder}; use it with --encoder {Short(installed.Name)}");
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static async Task<InstalledModel> WithProgress(ModelPull pull, Terminal terminal, CancellationToken cancellation)
    {
        if (!terminal.NoticesAreWatched) return await pull.Run(cancellation);
        return await terminal.Notices.Progress().AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask("downloading", maxValue: Math.Max(1, pull.Size));
                var run = pull.Run(cancellation);
                while (!run.IsCompleted)
                {
                    bar.Value = pull.Done;
                    await Task.WhenAny(run, Task.Delay(100, CancellationToken.None));
                }
                return await run;
            });
    }

    private static Uri HubAddress(string text) =>
        Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new UsageException($"--hub: '{Terminal.Printable(text)}' is no address; one looks like {ModelHub.Default}");

    private static string Short(string name) => name == ModelName.BartBase ? "bart-base" : name;

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
}
