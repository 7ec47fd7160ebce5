using Microsoft.Extensions.Logging;

namespace RsrNet.Cli;

/// <summary>Gives the server's warnings and errors to the user as notices, a line each.</summary>
internal sealed class NoticeLogging(Action<string> notice) : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) notice($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $": {exception}")}");
    }

    public void Dispose()
    {
        // There is nothing to let go of.
    }
}
