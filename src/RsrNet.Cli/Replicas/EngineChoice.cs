using System.CommandLine;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Replicas;

/// <summary>The engines this edition has, by name.</summary>
internal static class EngineChoice
{
    private const string Name = "--engine", Setting = "Replicas.Engine";

    /// <param name="byDefault">The engine where the option is left out; null where the configuration then says which.</param>
    public static Option<string?> Option(Terminal terminal, string? byDefault)
    {
        var option = new Option<string?>(Name)
        {
            Description = $"Which engine: {terminal.Edition.Engines.Describe()}.",
            HelpName = "NAME",
        };
        if (byDefault is null) option.Description += $" Default: the setting {Setting}, else {EngineCatalog.Auto}.";
        else option.DefaultValueFactory = _ => byDefault;
        return option;
    }

    /// <param name="name">The option's value; null where it was left out.</param>
    /// <param name="setting">Where there is no value: the configuration's.</param>
    /// <exception cref="UsageException">The option names an engine that is not there.</exception>
    /// <exception cref="CommandException">The configuration does, or this machine cannot run the engine; the message says what to do.</exception>
    /// <param name="mode">Whose network it is for.</param>
    public static EngineOffer Of(Terminal terminal, string? name, string setting = EngineCatalog.Auto, LearningMode mode = LearningMode.Notebook) =>
        Of(terminal, name, setting, (engines, wanted) => engines.Find(wanted, mode));

    /// <summary>One that runs text models.</summary>
    /// <inheritdoc cref="Of(Terminal, string?, string, LearningMode)"/>
    public static EngineOffer ForText(Terminal terminal, string name) => Of(terminal, name, name, static (engines, wanted) => engines.FindForText(wanted));

    private static EngineOffer Of(Terminal terminal, string? name, string setting, Func<EngineCatalog, string, EngineOffer> find)
    {
        var engines = terminal.Edition.Engines;
        try
        {
            return find(engines, name ?? setting);
        }
        catch (EngineUnavailableException problem)
        {
            var message = $"{(name is null ? Setting : Name)}: {problem.Message}";
            if (name is not null && !engines.Knows(name)) throw new UsageException(message);
            throw new CommandException(message, problem);
        }
    }
}
