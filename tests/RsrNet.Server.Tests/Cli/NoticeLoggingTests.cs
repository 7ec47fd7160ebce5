using Microsoft.Extensions.Logging;
using RsrNet.Cli;
using RsrNet.Core.Tests;

namespace RsrNet.Server.Tests.Cli;

public sealed class NoticeLoggingTests : IDisposable
{
    private readonly List<string> _lines = [];
    private readonly StandingTime _time = new();
    private readonly NoticeLogging _logging;

    public NoticeLoggingTests() => _logging = new NoticeLogging(_lines.Add, _time);

    [Fact]
    public void Warning_IsOneLineWithWhatIsInsideItsException()
    {
        var inner = new IOException("connection reset");
        Log(LogLevel.Warning, "no answer\nfrom port 7", new InvalidOperationException("cut off", inner));
        Assert.Equal(["Warning: no answer from port 7: cut off (connection reset)"], _lines);
    }

    [Fact]
    public void WarningThatComesAgain_IsSaidOnceAMinute()
    {
        for (var i = 0; i < 5; i++) Log(LogLevel.Warning, $"no answer from port {i}");
        Log(LogLevel.Warning, "something else", id: 2);
        _time.Now += TimeSpan.FromSeconds(61);
        Log(LogLevel.Warning, "no answer from port 9");

        Assert.Equal(
            ["Warning: no answer from port 0", "Warning: something else", "Warning: no answer from port 9 (4 more like it in the last minute)"], _lines);
    }

    [Fact]
    public void Error_IsSaidEachTimeWithItsStack()
    {
        for (var i = 0; i < 2; i++) Log(LogLevel.Error, "it failed", new IOException("disk"));
        Assert.Equal(2, _lines.Count);
        Assert.All(_lines, line => Assert.Contains("System.IO.IOException: disk", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Information_IsNotSaid()
    {
        Log(LogLevel.Information, "hello");
        Assert.Empty(_lines);
    }

    public void Dispose() => _logging.Dispose();

    private void Log(LogLevel level, string text, Exception? exception = null, int id = 1) =>
        _logging.CreateLogger("Orleans").Log(level, new EventId(id), text, exception, (state, _) => state);
}
