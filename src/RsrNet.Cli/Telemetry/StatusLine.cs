namespace RsrNet.Cli.Telemetry;

/// <summary>
/// The last line of a terminal, rewritten in place; notices appear above it. Where nobody watches, there are only notices.
/// </summary>
internal sealed class StatusLine(Terminal terminal) : IDisposable
{
    private const string Erase = "\r\u001b[K";

    private readonly Lock gate = new();
    private string shown = "";

    public bool IsLive => terminal.NoticesAreWatched;

    /// <summary>Replaces the line; cut to the terminal's width, because a line that wraps cannot be rewritten.</summary>
    public void Show(string text)
    {
        if (!IsLive) return;
        lock (gate)
        {
            var width = Math.Max(10, terminal.Notices.Profile.Width - 1);
            shown = text.Length > width ? text[..width] : text;
            terminal.NoticeWriter.Write(Erase + shown);
        }
    }

    public void Notice(string text)
    {
        lock (gate)
        {
            terminal.NoticeWriter.Write(shown.Length > 0 ? $"{Erase}{Terminal.Printable(text)}\n{shown}" : $"{Terminal.Printable(text)}\n");
        }
    }

    /// <summary>Takes the line away, so that what follows starts on an empty one.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (shown.Length > 0) terminal.NoticeWriter.Write(Erase);
            shown = "";
        }
    }
}
