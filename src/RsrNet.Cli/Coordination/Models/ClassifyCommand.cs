using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace RsrNet.Cli.Coordination.Models;

/// <summary><c>rsrnet classify MODEL TEXT</c>: a text's class, by a classifier of the server.</summary>
internal static class ClassifyCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = "A classifier's name." };
        var text = new Argument<string[]>("TEXT")
        {
            Description = "What to classify; several words are one text. Without it, standard input is read.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var json = new Option<bool>("--json") { Description = "JSON: {model, version, label?, scores: [{label, probability}]}." };
        var url = ServerAddress.Option(terminal);
        var command = new Command("classify", "Says a text's class, by a classifier of the server (see Models in the configuration).") { model, text, json, url };
        command.SetAction(async (parsed, cancellation) =>
        {
            var words = string.Join(' ', parsed.GetValue(text) ?? []);
            if (string.IsNullOrWhiteSpace(words))
            {
                using var input = new StreamReader(terminal.OpenInput());
                words = await input.ReadToEndAsync(cancellation);
            }
            if (string.IsNullOrWhiteSpace(words)) throw new UsageException("classify needs a text");
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            var answer = await server.Post(
                $"v1/models/{ServerClient.Escape(parsed.GetRequiredValue(model))}/classify", new JsonObject { ["text"] = words }, cancellation);
            if (parsed.GetValue(json))
            {
                terminal.ResultWriter.WriteLine(JsonText.Of(answer));
                return RsrNetCommand.Done;
            }
            var scores = answer.Items("scores").ToList();
            if (scores.Count == 0) throw new CommandException("the model has learned nothing yet: send it articles with the label it learns");
            foreach (var score in scores.Take(10))
            {
                terminal.ResultWriter.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{score.Number("probability") ?? 0:0.000}  {Terminal.Printable(score.Text("label") ?? "")}"));
            }
            return RsrNetCommand.Done;
        });
        return command;
    }
}
