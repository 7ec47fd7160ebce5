using System.CommandLine;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Replicas;

/// <summary>The engines this edition has, by name.</summary>
internal static class EngineChoice
{
    private const string Reference = "reference", Cpu = "cpu";

    public static Option<string> Option() => new("--engine")
    {
        Description = "Which engine: reference, the plain loops that every faster one is compared with, or cpu, which serves and trains.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Reference,
    };

    /// <exception cref="UsageException">There is no such engine.</exception>
    public static Func<RecursionShape, RecursionOptions, IRecursionEngine> Of(string name) => name switch
    {
        Reference => static (shape, options) => new ReferenceEngine(shape, options),
        Cpu => static (shape, options) => new CpuEngine(shape, options),
        _ => throw new UsageException($"--engine: there is no '{name}' here; this edition has {Reference} and {Cpu}"),
    };
}
