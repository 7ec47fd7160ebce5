using System.Text;
using Spectre.Console;

namespace RsrNet.Cli;

/// <summary>
/// What a command sees of the world around it: streams, whether people watch them, environment variables, the user's data folder, and
/// what the executable brings.
/// </summary>
internal sealed class Terminal
{
    /// <summary>Columns where no terminal has a width: wide enough that a table's row stays on one line, for grep and the like.</summary>
    private const int UnwatchedWidth = 2000;

    public Terminal(TextWriter results, TextWriter notices, Func<Stream> input, bool resultsAreWatched, bool noticesAreWatched)
    {
        ResultWriter = results;
        NoticeWriter = notices;
        OpenInput = input;
        ResultsAreWatched = resultsAreWatched;
        NoticesAreWatched = noticesAreWatched;
        Results = Console(results, resultsAreWatched);
        Notices = Console(notices, noticesAreWatched);
    }

    /// <summary>Standard output, for results; programs may read it.</summary>
    public TextWriter ResultWriter { get; }

    /// <summary>Standard error, for progress and notices.</summary>
    public TextWriter NoticeWriter { get; }

    /// <summary>Standard output with tables and colours where a person watches it.</summary>
    public IAnsiConsole Results { get; }

    public IAnsiConsole Notices { get; }

    public Func<Stream> OpenInput { get; }

    /// <summary>Whether standard output is a terminal.</summary>
    public bool ResultsAreWatched { get; }

    /// <summary>Whether standard error is a terminal: progress bars and live lines are shown only then.</summary>
    public bool NoticesAreWatched { get; }

    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Where RSR-Net keeps this user's data: <c>rsrnet</c> in the local application data of the system.</summary>
    public string DataFolder { get; init; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "rsrnet");

    public Edition Edition { get; init; } = new();

    /// <param name="edition">What the executable brings; null for core.</param>
    public static Terminal OfProcess(Edition? edition = null)
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var results = new StreamWriter(System.Console.OpenStandardOutput(), utf8) { AutoFlush = true };
        var notices = new StreamWriter(System.Console.OpenStandardError(), utf8) { AutoFlush = true };
        return new Terminal(
            TextWriter.Synchronized(results), TextWriter.Synchronized(notices), System.Console.OpenStandardInput,
            !System.Console.IsOutputRedirected, !System.Console.IsErrorRedirected)
        {
            Edition = edition ?? new Edition(),
        };
    }

    /// <summary>One line for the user beside the results; above a progress bar where there is one.</summary>
    public void Notice(string text)
    {
        if (NoticesAreWatched) Notices.WriteLine(Printable(text));
        else NoticeWriter.WriteLine(Printable(text));
    }

    /// <summary>The text without control characters: what comes from articles or a server must not steer the terminal.</summary>
    public static string Printable(string text)
    {
        if (!text.Any(IsUnprintable)) return text;
        var printable = new StringBuilder(text.Length);
        foreach (var character in text) printable.Append(IsUnprintable(character) ? ' ' : character);
        return printable.ToString();
    }

    /// <summary>Printable, on one line, and cut with an ellipsis where it is longer than <paramref name="columns"/>.</summary>
    public static string Line(string text, int columns)
    {
        var line = Printable(text).ReplaceLineEndings(" ");
        return line.Length <= columns ? line : string.Concat(line.AsSpan(0, Math.Max(0, columns - 1)), "…");
    }

    private static bool IsUnprintable(char character) => char.IsControl(character) && character is not '\n';

    private static IAnsiConsole Console(TextWriter writer, bool watched)
    {
        var plain = !watched || Environment.GetEnvironmentVariable("TERM") == "dumb";
        var colours = !plain && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = plain ? InteractionSupport.No : InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(writer),
        });
        if (!watched) console.Profile.Width = UnwatchedWidth;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }
}
