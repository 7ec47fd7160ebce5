namespace RsrNet.Core.Replicas;

/// <summary>
/// The engines a program has, by the names that configuration and commands know them by. This edition's own are always in it; projects
/// that bring
/// others add them.
/// </summary>
public sealed class EngineCatalog
{
    /// <summary>Stands for the most preferred engine that this machine can run.</summary>
    public const string Auto = "auto";

    private readonly List<EngineOffer> offers = [];

    /// <summary>The engines that need nothing but this library.</summary>
    public static EngineCatalog OfCore() => new EngineCatalog()
        .Add(new EngineOffer(
            "reference", "the plain loops that every faster one is compared with", 0, static (shape, options) =>
                new ReferenceEngine(shape, options)))
        .Add(new EngineOffer("cpu", "the processor's vectors and cores", 20, static (shape, options) => new CpuEngine(shape, options)));

    public IReadOnlyList<EngineOffer> Offers => offers;

    /// <summary>All that <see cref="Find"/> takes, in a sentence for help texts and messages.</summary>
    public string Describe() =>
        string.Join(", ", offers.Select(offer => $"{offer.Name} ({offer.Description})"))
            + $" or {Auto} (the fastest that this machine can run)";

    /// <exception cref="ArgumentException">The name is taken.</exception>
    public EngineCatalog Add(EngineOffer offer)
    {
        if (offer.Name == Auto || offers.Any(known => known.Name == offer.Name))
            throw new ArgumentException($"there is an engine '{offer.Name}' already", nameof(offer));
        offers.Add(offer);
        return this;
    }

    /// <exception cref="EngineUnavailableException">There is no engine of that name, or this machine cannot run it; the message says what
    /// is missing.</exception>
    public EngineOffer Find(string name)
    {
        if (name == Auto) return offers.OrderByDescending(offer => offer.Preference).First(offer => offer.Missing() is null);
        var found = offers.Find(offer => offer.Name == name)
            ?? throw new EngineUnavailableException(
                $"there is no engine '{name}' in this edition; it has {string.Join(", ", offers.Select(offer => offer.Name))} and {Auto}");
        return found.Missing() is { } missing ? throw new EngineUnavailableException($"the engine '{name}' cannot run here: {missing}")
            : found;
    }
}

/// <param name="Name">As configuration has it.</param>
/// <param name="Description">What it runs on, in a few words.</param>
/// <param name="Preference"><see cref="EngineCatalog.Auto"/> takes the highest that can run.</param>
/// <param name="Create">Makes an engine for a network's sizes.</param>
public sealed record EngineOffer(
    string Name, string Description, int Preference, Func<RecursionShape, RecursionOptions, IRecursionEngine> Create)
{
    /// <summary>What this machine lacks to run it, and what to do; null where it lacks nothing.</summary>
    public Func<string?> Missing { get; init; } = static () => null;
}

/// <summary>An engine was asked for that is not there or cannot run here.</summary>
public sealed class EngineUnavailableException(string message) : Exception(message);
