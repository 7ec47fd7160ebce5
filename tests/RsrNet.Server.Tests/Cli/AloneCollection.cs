namespace RsrNet.Server.Tests.Cli;

/// <summary>Tests that look at what the whole process does, allocations for one: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
