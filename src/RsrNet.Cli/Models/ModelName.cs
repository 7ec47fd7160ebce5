using System.Text.RegularExpressions;

namespace RsrNet.Cli.Models;

/// <summary>A model's name on a hub, OWNER/NAME, or a name of one's own.</summary>
internal static partial class ModelName
{
    /// <summary>What the notebook embeds with.</summary>
    public const string BartBase = "facebook/bart-base";

    /// <summary>A full name for the short one that commands take.</summary>
    public static string Resolve(string name) => name == "bart-base" ? BartBase : name;

    /// <exception cref="UsageException">It could not be a name; it becomes a folder's and part of an address.</exception>
    public static string Check(string name)
    {
        if (Pattern().IsMatch(name) && !name.Contains("..", StringComparison.Ordinal)) return name;
        throw new UsageException($"'{Terminal.Printable(name)}' is no name of a model; one looks like {BartBase}");
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
