using System.CommandLine;
using RsrNet.Core.Embedding;

namespace RsrNet.Cli.Embedding;

/// <summary>The encoders this edition has, by name.</summary>
internal static class EncoderChoice
{
    private const string Default = "hashed";

    public static Option<string> Option() => new("--encoder")
    {
        Description = "Which encoder: hashed, the one that needs no download.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Default,
    };

    /// <exception cref="UsageException">There is no such encoder.</exception>
    public static ITextEncoder Of(string name)
    {
        var hashed = new HashedEncoder();
        if (name == Default || name == hashed.Id) return hashed;
        throw new UsageException($"--encoder: there is no '{name}' here; this edition has {Default} ({hashed.Id})");
    }
}
