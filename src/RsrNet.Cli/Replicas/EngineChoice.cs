using System.CommandLine;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Replicas;

/// <summary>The engines this edition has, by name.</summary>
internal static class EngineChoice
{
    /// <param name="byDefault">The engine where the option is left out.</param>
    public static Option<string> Option(EngineCatalog engines, string byDefault) => new("--engine")
    {
        Description = $"Which engine: {engines.Describe()}.",
        HelpName = "NAME",
        DefaultValueFactory = _ => byDefault,
    };

    /// <exception cref="UsageException">There is no such engine.</exception>
    /// <exception cref="EngineUnavailableException">This machine cannot run it.</exception>
    public static EngineOffer Of(EngineCatalog engines, string name)
    {
        try
        {
            return engines.Find(name);
        }
        catch (EngineUnavailableException problem) when (!engines.Knows(name))
        {
            throw new UsageException($"--engine: {problem.Message}");
        }
    }
}
