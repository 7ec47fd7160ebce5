namespace RsrNet.Server.Tests.Documents;

/// <summary>Where PostgreSQL's programs are on this machine, and as whom they can be run: PostgreSQL refuses to run as root.</summary>
/// <param name="Folder">Holds initdb and postgres; null where they are not installed.</param>
/// <param name="Runner">Put before a command to run it as <paramref name="User"/>; null where this user will do.</param>
/// <param name="User">Null where this user will do.</param>
internal sealed record PostgresPrograms(string? Folder, string? Runner, string? User)
{
    /// <summary>Why no server can be started; null where one can.</summary>
    public string? Problem =>
        Folder is null ? "PostgreSQL is not installed: no initdb and postgres on PATH or in /usr/lib/postgresql/*/bin"
        : User is not null && Runner is null ? "PostgreSQL does not run as root, and there is no runuser to start it as somebody else"
        : null;

    public static PostgresPrograms Find()
    {
        if (OperatingSystem.IsWindows()) return new PostgresPrograms(null, null, null);
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        const string debian = "/usr/lib/postgresql";
        var versions = Directory.Exists(debian) ? Directory.GetDirectories(debian).OrderDescending() : Enumerable.Empty<string>();
        var folder = path.Concat(versions.Select(version => Path.Combine(version, "bin")))
            .FirstOrDefault(place => IsThere(Path.Combine(place, "initdb")) && IsThere(Path.Combine(place, "postgres")));
        if (!Environment.IsPrivilegedProcess) return new PostgresPrograms(folder, null, null);
        var runner = path.Append("/usr/sbin").Append("/sbin").Select(place => Path.Combine(place, "runuser")).FirstOrDefault(File.Exists);
        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')[0]).ToHashSet();
        return new PostgresPrograms(folder, runner, users.Contains("postgres") ? "postgres" : "nobody");
    }

    /// <summary>The words of a command line that runs a program as somebody who may.</summary>
    public string[] AsUser(params string[] command) => User is null ? command : [Runner!, "-u", User, "--", .. command];

    public string PathOf(string program) => Path.Combine(Folder!, program);

    /// <summary>A link to a program that was removed is none.</summary>
    private static bool IsThere(string path) =>
        File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is null or { Exists: true };
}
