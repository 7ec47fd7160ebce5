using System.CommandLine;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Coordination;

/// <summary>The option that names how to learn.</summary>
internal static class LearningChoice
{
    public static Option<string?> Option() => new("--learning")
    {
        Description = "How to learn: residual, or notebook for the notebook's recipe exactly. Default: what the configuration says, else residual.",
        HelpName = "MODE",
    };

    /// <returns>Null where nothing was said.</returns>
    public static LearningMode? Of(string? name) => name switch
    {
        null => null,
        "residual" => LearningMode.Residual,
        "notebook" => LearningMode.Notebook,
        _ => throw new UsageException($"--learning: there is no '{name}'; there are residual and notebook"),
    };
}
