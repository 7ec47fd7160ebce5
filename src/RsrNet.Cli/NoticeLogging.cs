using Microsoft.Extensions.Logging;

namespace RsrNet.Cli;

/// <summary>
/// Gives the server's warnings and errors to the user as notices. A warning is one line, and one that comes again and again is said once a minute; an error
/// comes with its whole exception, each time.
/// </summary>
internal sealed class NoticeLogging(Action<string> notice, TimeProvider? time = null) : ILoggerProvider
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Action<string> notice = notice;
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly Lock gate = new();
    private readonly Dictionary<(string Category, EventId Event, Type? Exception), Warning> warnings = [];

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose()
    {
        // There is nothing to let go of.
    }

    /// <returns>How many were kept back since the last that was said; null where this one is kept back, too.</returns>
    private int? Repeats(string category, EventId id, Type? exception)
    {
        lock (gate)
        {
            var known = warnings.TryGetValue((category, id, exception), out var warning);
            if (known && time.GetElapsedTime(warning.Said) < Pause)
            {
                warnings[(category, id, exception)] = warning with { Since = warning.Since + 1 };
                return null;
            }
            warnings[(category, id, exception)] = new Warning(time.GetTimestamp(), 0);
            return warning.Since;
        }
    }

    private static string Chain(Exception exception) =>
        exception.InnerException is { } inner ? $"{exception.Message} ({Chain(inner)})" : exception.Message;

    private readonly record struct Warning(long Said, int Since);

    private sealed class Category(NoticeLogging logging, string name) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var line = $"{logLevel}: {formatter(state, exception)}";
            if (logLevel > LogLevel.Warning)
            {
                logging.notice(exception is null ? line : $"{line}: {exception}");
                return;
            }
            if (logging.Repeats(name, eventId, exception?.GetType()) is not { } kept) return;
            if (exception is not null) line += $": {Chain(exception)}";
            logging.notice(line.ReplaceLineEndings(" ") + (kept > 0 ? $" ({kept} more like it in the last minute)" : ""));
        }
    }
}
