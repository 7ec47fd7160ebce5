using System.CommandLine;
using System.Text.Json.Nodes;

namespace RsrNet.Cli.Coordination.Models;

/// <summary><c>rsrnet generate MODEL [PROMPT]</c>: a text by a language model of the server, as it is made.</summary>
internal static class GenerateCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = "A language model's name." };
        var prompt = new Argument<string[]>("PROMPT")
        {
            Description = "What the text goes on from; several words are one prompt. Without it the text begins anew.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var document = new Option<string?>("--document") { Description = "Goes on from a document's text instead.", HelpName = "ID" };
        var tokens = NumberOption.Of("--tokens", "At most so many tokens.", 200, least: 1, greatest: 10_000);
        var temperature = NumberOption.Of("--temperature", "Below 1 the likely becomes likelier; 0 always takes the likeliest.", 0.8, least: 0, greatest: 10);
        var topK = NumberOption.Of("--top-k", "Only so many of the likeliest; 0 for all.", 0, least: 0);
        var topP = NumberOption.Of("--top-p", "Only the likeliest that together have this probability.", 1.0, least: 1e-6, greatest: 1.0);
        var seed = NumberOption.Of("--seed", "The same seed, prompt and weights give the same text.", 0, least: int.MinValue);
        var json = new Option<bool>("--json") { Description = "JSON at the end: {model, text}." };
        var url = ServerAddress.Option(terminal);
        var command = new Command("generate", "Makes a text, by a language model of the server (see Models in the configuration).")
        {
            model, prompt, document, tokens, temperature, topK, topP, seed, json, url,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var words = string.Join(' ', parsed.GetValue(prompt) ?? []);
            var from = parsed.GetValue(document);
            if (words.Length > 0 && from is not null) throw new UsageException("give a prompt or --document, not both");
            var body = new JsonObject
            {
                ["maxTokens"] = parsed.GetValue(tokens), ["temperature"] = parsed.GetValue(temperature), ["topK"] = parsed.GetValue(topK),
                ["topP"] = parsed.GetValue(topP), ["seed"] = parsed.GetValue(seed),
            };
            if (words.Length > 0) body["prompt"] = words;
            if (from is not null) body["document"] = from;
            var path = $"v1/models/{ServerClient.Escape(parsed.GetRequiredValue(model))}/generate";
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            if (parsed.GetValue(json))
            {
                terminal.ResultWriter.WriteLine(JsonText.Of(await server.Post(path, body, cancellation)));
                return RsrNetCommand.Done;
            }
            body["stream"] = true;
            await foreach (var piece in server.Events(path, cancellation, body))
                terminal.ResultWriter.Write(Terminal.Printable(JsonNode.Parse(piece).Text("text") ?? ""));
            terminal.ResultWriter.WriteLine();
            return RsrNetCommand.Done;
        });
        return command;
    }
}
