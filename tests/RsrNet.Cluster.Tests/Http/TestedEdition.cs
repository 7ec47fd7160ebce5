using RsrNet.Cli;
using RsrNet.Silo;

namespace RsrNet.Server.Tests.Cli;

/// <summary>The commands of the full edition's executable.</summary>
internal static class TestedEdition
{
    public static Edition Create() => FullEdition.Create();
}
