using System.CommandLine;
using System.Text;
using RsrNet.Core.Articles;

namespace RsrNet.Cli.Articles;

/// <summary><c>rsrnet newswire</c>: articles of the synthetic newswire as NDJSON, to try or test a server with.</summary>
internal static class NewswireCommand
{
    public static Command Create(Terminal terminal)
    {
        var count = NumberOption.Of("--count", "How many articles.", 100L, least: 0);
        var seed = NumberOption.Of(
            "--seed", "Another seed is another newswire; the same one gives the same articles everywhere.", 42, least: int.MinValue);
        var from = NumberOption.Of("--from", "Index of the first article.", 0L, least: 0);
        var drift = DriftOption();
        var command = new Command("newswire", "Prints synthetic news with highlights as NDJSON; four in five have highlights.")
        {
            count, seed, from, drift,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var wire = new DemoNewswire(parsed.GetValue(seed), parsed.GetValue(drift));
            using var output = new BufferedLines(terminal.ResultWriter);
            for (var i = 0L; i < parsed.GetValue(count); i++)
            {
                cancellation.ThrowIfCancellationRequested();
                output.Write(ArticleLine.Of(wire.At(parsed.GetValue(from) + i)).Span);
            }
            return Task.FromResult(RsrNetCommand.Done);
        });
        return command;
    }

    /// <summary>From which article on the wire has drifted.</summary>
    public static Option<long?> DriftOption(string name = "--drift") => new(name)
    {
        Description = "From this article on the wire has other topics, places and names. Default: never.",
        HelpName = "INDEX",
        CustomParser = result =>
        {
            if (long.TryParse(result.Tokens.Single().Value, out var index) && index >= 0) return index;
            result.AddError($"{name} is the index of an article, 0 or more; not '{result.Tokens.Single().Value}'");
            return null;
        },
    };

    /// <summary>Standard output is flushed at every write; a line at a time would be slow.</summary>
    private sealed class BufferedLines(TextWriter destination) : IDisposable
    {
        private const int Size = 1 << 16;

        private readonly StringBuilder buffer = new(Size);

        public void Write(ReadOnlySpan<byte> utf8)
        {
            buffer.Append(Encoding.UTF8.GetString(utf8)).Append('\n');
            if (buffer.Length >= Size) Flush();
        }

        public void Dispose() => Flush();

        private void Flush()
        {
            destination.Write(buffer.ToString());
            buffer.Clear();
        }
    }
}
