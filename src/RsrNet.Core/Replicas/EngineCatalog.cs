using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Replicas;

/// <summary>
/// The engines a program has, by the names that configuration and commands know them by. Core's own are always in it; projects that
/// bring others add them.
/// </summary>
public sealed class EngineCatalog
{
    /// <summary>Stands for the most preferred engine that this machine can run.</summary>
    public const string Auto = "auto";

    /// <summary>Known here so that a message can say where to find them.</summary>
    private static readonly string[] OfFullEdition = ["torch", "torch-cpu", "cuda"];

    private readonly List<EngineOffer> offers = [];
    private readonly Dictionary<string, string[]> choices = new(StringComparer.Ordinal);

    /// <summary>The engines that need nothing but this library.</summary>
    public static EngineCatalog OfCore() => new EngineCatalog()
        .Add(new EngineOffer(
            "reference", "the plain loops that every faster one is compared with", 0, static (shape, options) =>
                shape.Mode == LearningMode.Residual ? new ResidualEngine(shape, options) : new ReferenceEngine(shape, options)))
        .Add(new EngineOffer(
            "cpu", "the processor's vectors and cores", 20, static (shape, options) =>
                shape.Mode == LearningMode.Residual ? new ResidualEngine(shape, options) : new CpuEngine(shape, options))
        {
            OpenBart = static (folder, options, openTokenizer) => BartEncoder.Open(folder, options, VectorWidths.Best, openTokenizer),
            OpenText = static (network, optimizer, options, seed) => new TapeEngine(network, optimizer, options, seed),
        });

    public IReadOnlyList<EngineOffer> Offers => offers;

    /// <summary>All that <see cref="Find"/> takes, in a sentence for help texts and messages.</summary>
    public string Describe() =>
        string.Join(
            ", ",
            [
                .. offers.Select(offer => $"{offer.Name} ({offer.Description})"),
                .. choices.Select(choice => $"{choice.Key} ({string.Join(" or else ", choice.Value)})"),
            ])
        + $" or {Auto} (the fastest that this machine can run)";

    /// <exception cref="ArgumentException">The name is taken.</exception>
    public EngineCatalog Add(EngineOffer offer)
    {
        EnsureFree(offer.Name);
        offers.Add(offer);
        return this;
    }

    /// <summary>A name that stands for the first of some engines that this machine can run.</summary>
    /// <param name="among">At least one, all of them added before.</param>
    /// <exception cref="ArgumentException">The name is taken, or an engine is not there.</exception>
    public EngineCatalog AddChoice(string name, params string[] among)
    {
        EnsureFree(name);
        if (among.Length == 0 || !Array.TrueForAll(among, one => offers.Exists(offer => offer.Name == one)))
            throw new ArgumentException($"'{name}' must stand for engines that are there, not for '{string.Join(", ", among)}'", nameof(among));
        choices.Add(name, among);
        return this;
    }

    /// <summary>Whether <see cref="Find"/> takes the name, be the machine as it may.</summary>
    public bool Knows(string name) => name == Auto || choices.ContainsKey(name) || offers.Exists(offer => offer.Name == name);

    /// <exception cref="EngineUnavailableException">There is no engine of that name, or this machine cannot run it; the message says what
    /// is missing.</exception>
    /// <param name="mode">Whose network it is for. The residual mode's is so small that reading the articles is most of the work: <see cref="Auto"/> takes cpu.</param>
    public EngineOffer Find(string name, LearningMode mode = LearningMode.Notebook)
    {
        if (name == Auto && mode == LearningMode.Residual) name = "cpu";
        if (name == Auto) return offers.OrderByDescending(offer => offer.Preference).First(offer => offer.Missing() is null);
        if (choices.TryGetValue(name, out var among))
            return Find(Array.Find(among, one => offers.Find(offer => offer.Name == one)!.Missing() is null) ?? among[^1]);
        var found = offers.Find(offer => offer.Name == name) ?? throw new EngineUnavailableException(Unknown(name));
        return found.Missing() is { } missing
            ? throw new EngineUnavailableException($"the engine '{name}' cannot run here: {missing}")
            : found;
    }

    /// <summary>An engine that runs BART's encoder.</summary>
    /// <exception cref="EngineUnavailableException">There is none of that name, it does not run BART, or this machine cannot run it.</exception>
    public EngineOffer FindForBart(string name) => FindThatRuns("BART", name, static offer => offer.OpenBart is not null);

    /// <summary>An engine that runs text models.</summary>
    /// <exception cref="EngineUnavailableException">There is none of that name, it does not run text models, or this machine cannot run it.</exception>
    public EngineOffer FindForText(string name) => FindThatRuns("text models", name, static offer => offer.OpenText is not null);

    private EngineOffer FindThatRuns(string what, string name, Func<EngineOffer, bool> runs)
    {
        if (name == Auto) return offers.OrderByDescending(offer => offer.Preference).First(offer => runs(offer) && offer.Missing() is null);
        var found = Find(name);
        return runs(found) ? found : throw new EngineUnavailableException(
            $"the engine '{name}' does not run {what}; {string.Join(", ", offers.Where(runs).Select(offer => offer.Name))} and {Auto} do");
    }

    private string Unknown(string name)
    {
        var names = string.Join(", ", [.. offers.Select(offer => offer.Name), .. choices.Keys]);
        var elsewhere = OfFullEdition.Contains(name) ? "; it comes with the full edition (./rsrnet --edition full)" : "";
        return $"there is no engine '{name}' in this edition, which has {names} and {Auto}{elsewhere}";
    }

    private void EnsureFree(string name)
    {
        if (Knows(name)) throw new ArgumentException($"there is an engine '{name}' already", nameof(name));
    }
}

/// <param name="Name">As configuration has it.</param>
/// <param name="Description">What it runs on, in a few words.</param>
/// <param name="Preference"><see cref="EngineCatalog.Auto"/> takes the highest that can run.</param>
/// <param name="Create">Makes an engine for a network's sizes.</param>
public sealed record EngineOffer(
    string Name, string Description, int Preference, Func<RecursionShape, RecursionOptions, IRecursionEngine> Create)
{
    /// <summary>Opens a model folder of BART to run on it, with a tokenizer that is opened as given; null where it cannot.</summary>
    public Func<string, EmbeddingOptions, Func<string, BartTokenizer>, BartEncoder>? OpenBart { get; init; }

    /// <summary>Puts a text model's network on it; null where it runs none.</summary>
    public OpenTextEngine? OpenText { get; init; }

    /// <summary>What this machine lacks to run it, and what to do; null where it lacks nothing.</summary>
    public Func<string?> Missing { get; init; } = static () => null;
}

/// <summary>An engine was asked for that is not there or cannot run here.</summary>
public sealed class EngineUnavailableException(string message) : Exception(message);
