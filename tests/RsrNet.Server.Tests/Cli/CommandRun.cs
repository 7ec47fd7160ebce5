using System.Text;
using System.Text.Json.Nodes;
using RsrNet.Cli;

namespace RsrNet.Server.Tests.Cli;

/// <summary>Runs commands inside the test, with everything they print captured and a data folder of their own.</summary>
public sealed class CommandRun : IDisposable
{
    private readonly Dictionary<string, string> variables = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("rsrnet-cli-").FullName;

    /// <summary>What the next command finds at its standard input.</summary>
    public string Input { get; set; } = "";

    /// <summary>What the executable brings; the core edition's unless told.</summary>
    internal Edition Edition { get; init; } = new();

    public void Set(string variable, string value) => variables[variable] = value;

    public string Write(string name, string content)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>The same, with Ctrl-C as a token.</summary>
    public async Task<CommandOutcome> Interruptible(CancellationToken cancellation, params string[] arguments)
    {
        var results = new StringWriter();
        var notices = new StringWriter();
        var terminal = Terminal(TextWriter.Synchronized(results), TextWriter.Synchronized(notices));
        var code = await RsrNetCommand.Run(arguments, terminal, cancellation);
        return new CommandOutcome(code, results.ToString(), notices.ToString());
    }

    public Task<CommandOutcome> Of(params string[] arguments) => Interruptible(TestContext.Current.CancellationToken, arguments);

    internal Terminal Terminal(TextWriter results, TextWriter notices) => new(
        results, notices, () => new MemoryStream(Encoding.UTF8.GetBytes(Input)), resultsAreWatched: false, noticesAreWatched: false)
    {
        Variable = variables.GetValueOrDefault,
        DataFolder = Path.Combine(Folder, "user"),
        Edition = Edition,
    };

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <param name="Results">Standard output.</param>
/// <param name="Notices">Standard error.</param>
public sealed record CommandOutcome(int Code, string Results, string Notices)
{
    public JsonNode Json => JsonNode.Parse(Results)!;

    public IReadOnlyList<JsonNode> JsonLines =>
        [.. Results.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
}
