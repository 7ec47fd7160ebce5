using System.CommandLine;
using System.Globalization;
using System.Text;
using RsrNet.Cli.Replicas;
using RsrNet.Core.Embedding;

namespace RsrNet.Cli.Embedding;

/// <summary><c>rsrnet embed TEXT...</c>: the vectors an encoder gives, without a server.</summary>
internal static class EmbedCommand
{
    /// <summary>Elements of a vector that are shown to people.</summary>
    private const int Shown = 6;

    public static Command Create(Terminal terminal)
    {
        var texts = new Argument<string[]>("TEXT") { Description = "Each argument is one text.", Arity = ArgumentArity.ZeroOrMore };
        var file = new Option<string?>("--file")
        {
            Description = "Takes the texts from a file, one a line; - for standard input.",
            HelpName = "PATH",
        };
        var encoder = EncoderChoice.Option();
        var engine = EngineChoice.Option(terminal, byDefault: new EmbeddingOptions().Engine);
        var json = new Option<bool>("--json") { Description = "JSON: {encoder, dimensions, items: [{text, tokens?, embedding}]}." };
        var command = new Command("embed", "Prints the embeddings of texts.") { texts, file, encoder, engine, json };
        command.SetAction(parsed =>
        {
            var wanted = new List<string>(parsed.GetValue(texts) ?? []);
            if (parsed.GetValue(file) is { } path) wanted.AddRange(ReadLines(path, terminal));
            if (wanted.Count == 0) throw new UsageException("embed needs a text, or --file with a file that has one");
            var chosen = EncoderChoice.Of(terminal, new EmbeddingOptions { Engine = EngineChoice.Of(terminal, parsed.GetValue(engine)).Name }).Open(parsed.GetRequiredValue(encoder));
            using var closing = chosen as IDisposable;
            var vectors = new float[wanted.Count * chosen.Dimensions];
            chosen.Encode(wanted.ToArray(), vectors);
            if (parsed.GetValue(json)) PrintJson(chosen, wanted, vectors, terminal);
            else Print(chosen, wanted, vectors, terminal);
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static List<string> ReadLines(string path, Terminal terminal)
    {
        if (path != "-" && !File.Exists(path)) throw new CommandException($"{path}: there is no such file");
        using var stream = path == "-" ? terminal.OpenInput() : File.OpenRead(path);
        using var reader = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
        var lines = new List<string>();
        try
        {
            while (reader.ReadLine() is { } line)
            {
                if (!string.IsNullOrWhiteSpace(line)) lines.Add(line);
            }
        }
        catch (DecoderFallbackException problem)
        {
            throw new CommandException(
                $"{path}: after line {lines.Count} comes something that is not UTF-8; save the file as UTF-8", problem);
        }
        return lines;
    }

    private static void PrintJson(ITextEncoder encoder, List<string> texts, float[] vectors, Terminal terminal) =>
        terminal.ResultWriter.WriteLine(JsonText.Of(new
        {
            encoder = encoder.Id,
            dimensions = encoder.Dimensions,
            items = texts.Select((text, row) => new { text, tokens = encoder.CountTokens(text), embedding = Row(encoder, vectors, row).ToArray() }),
        }));

    private static void Print(ITextEncoder encoder, List<string> texts, float[] vectors, Terminal terminal)
    {
        terminal.Notice($"{encoder.Id}, {encoder.Dimensions} numbers for each text; --json prints them all");
        for (var row = 0; row < texts.Count; row++)
        {
            var vector = Row(encoder, vectors, row).ToArray();
            var first = string.Join(" ", vector.Take(Shown).Select(element => element.ToString("0.0000", CultureInfo.InvariantCulture)));
            terminal.ResultWriter.WriteLine($"{first} ...  {Terminal.Printable(texts[row]).ReplaceLineEndings(" ")}");
        }
    }

    private static Memory<float> Row(ITextEncoder encoder, float[] vectors, int row) =>
        vectors.AsMemory(row * encoder.Dimensions, encoder.Dimensions);
}
