namespace RsrNet.Cli;

/// <summary>The command could not be done, for a reason its user can read and act on. Exit code 1.</summary>
internal class CommandException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The command was called in a wrong way. Exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
