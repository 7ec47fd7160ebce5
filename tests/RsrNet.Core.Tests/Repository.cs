namespace RsrNet.Core.Tests;

/// <summary>Files that tests read.</summary>
internal static class Repository
{
    /// <summary>A committed fixture.</summary>
    public static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", name);

    /// <summary>A folder of the data beside the repository; skips the test where it is absent.</summary>
    public static string SharedData(string name)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (!File.Exists(Path.Combine(folder, "RsrNet.Orleans.sln"))) continue;
            var data = Path.GetFullPath(Path.Combine(folder, "..", "shared", "data", name));
            if (Directory.Exists(data)) return data;
        }
        Assert.Skip($"../shared/data/{name} is not there");
        return "";
    }
}
