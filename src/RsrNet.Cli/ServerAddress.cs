using System.CommandLine;

namespace RsrNet.Cli;

/// <summary>The <c>--url</c> option of every command that talks to a server.</summary>
internal static class ServerAddress
{
    public const string Default = "http://127.0.0.1:5080";

    public static Option<Uri> Option(Terminal terminal)
    {
        var option = new Option<Uri>("--url")
        {
            Description = $"The server's address; RSRNET_URL where it is set, else {Default}.",
            HelpName = "URL",
            CustomParser = result =>
            {
                var address = Parse(result.Tokens.Single().Value);
                if (address is null) result.AddError($"--url needs an address such as {Default}, not '{result.Tokens.Single().Value}'");
                return address;
            },
        };
        option.DefaultValueFactory = result =>
        {
            var variable = terminal.Variable("RSRNET_URL");
            if (string.IsNullOrWhiteSpace(variable)) return new Uri(Default + "/");
            var address = Parse(variable);
            if (address is null) result.AddError($"RSRNET_URL needs an address such as {Default}, not '{variable}'");
            return address!;
        };
        return option;
    }

    /// <summary>The address with a slash at its end, so that paths are added to it and do not replace its last part.</summary>
    private static Uri? Parse(string text) =>
        Uri.TryCreate(text.EndsWith('/') ? text : text + "/", UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : null;
}
