namespace RsrNet.Server.Tests.Cli;

/// <summary>The source tree these tests run from.</summary>
internal static class RepositoryFolder
{
    /// <summary>The folder with the launcher; skips the test where the tests run outside of a source tree.</summary>
    public static string Path()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "RsrNet.Orleans.sln"))) return folder.FullName;
        }
        Assert.Skip("these tests run outside of a source tree");
        return "";
    }

    public static string Path(string inside) => System.IO.Path.Combine(Path(), inside);
}
