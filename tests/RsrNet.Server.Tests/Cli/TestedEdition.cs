using RsrNet.Cli;

namespace RsrNet.Server.Tests.Cli;

/// <summary>Which executable's commands the tests run. The cluster's tests run the same ones with an edition of their own.</summary>
internal static class TestedEdition
{
    public static Edition Create() => new();
}
