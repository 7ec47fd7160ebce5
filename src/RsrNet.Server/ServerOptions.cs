using RsrNet.Server.Documents;

namespace RsrNet.Server;

/// <summary>
/// Where the server listens, where it keeps its data and how patient it is. The section <c>Server</c> of a configuration file.
/// </summary>
public sealed record ServerOptions
{
    /// <summary>
    /// Addresses to listen at, separated by semicolons. Default http://127.0.0.1:5080; port 0 takes a free one. Nothing else is listened
    /// at.
    /// </summary>
    public string Urls { get; init; } = "http://127.0.0.1:5080";

    /// <summary>
    /// Folder of the database and the checkpoints; one server at a time. Default: <c>rsrnet</c> in the user's local application data.
    /// </summary>
    public string Data { get; init; } = DefaultData();

    /// <summary>
    /// Connection string of a PostgreSQL database for documents and checkpoints, such as <c>Host=db;Database=rsrnet;Username=rsrnet</c>;
    /// the password may come from the environment variable PGPASSWORD or a passfile. Default empty: SQLite and files in the data folder.
    /// </summary>
    public string Database { get; init; } = "";

    /// <summary>
    /// What every request but the probes must show, as a bearer token or as the password of any user name; the commands take it from the environment
    /// variable RSRNET_KEY. At least 12 characters. Default empty: nobody is asked.
    /// </summary>
    public string Key { get; init; } = "";

    /// <summary>Bytes of a safetensors file that may be imported. Default 256 MiB; at least 1,024.</summary>
    public long ImportBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>
    /// How long an NDJSON request waits for room in a full backlog before it is answered 429. Seconds; default 10; 0 to 300.
    /// </summary>
    public double BacklogWaitSeconds { get; init; } = 10;

    /// <summary>
    /// A comment goes to followers of events after so long without one, so that nothing between takes them for dead. Seconds; default 15;
    /// 0.1 to 300.
    /// </summary>
    public double KeepAliveSeconds { get; init; } = 15;

    /// <summary>Seconds between two events of /v1/telemetry/events. Default 1; 0.1 to 60.</summary>
    public double TelemetrySeconds { get; init; } = 1;

    /// <summary>How long running requests may take to end when the server stops. Seconds; default 10; 0 to 300.</summary>
    public double ShutdownSeconds { get; init; } = 10;

    /// <summary>What is out of its range, each naming the option and the range; empty where all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        var urls = Addresses();
        if (urls.Count == 0) problems.Add("Server.Urls is empty; give an address such as http://127.0.0.1:5080");
        foreach (var url in urls)
        {
            // '*' and '+' stand for every address, as Kestrel has them; a Uri knows them not.
            var known = Uri.TryCreate(
                url.Replace("//*", "//0.0.0.0", StringComparison.Ordinal).Replace("//+", "//0.0.0.0", StringComparison.Ordinal),
                UriKind.Absolute, out var address);
            if (!known || address!.Scheme != Uri.UriSchemeHttp || address.PathAndQuery != "/")
            {
                problems.Add($"Server.Urls has '{url}'; give http://HOST:PORT (for https put a reverse proxy before it)");
            }
        }
        if (string.IsNullOrWhiteSpace(Data)) problems.Add("Server.Data is empty; name a folder");
        if (Database.Length > 0 && PostgresDatabase.ProblemOf(Database) is { } problem)
        {
            // Its value is not shown: it may hold a password.
            problems.Add($"Server.Database {problem}; write it as 'Host=db;Database=rsrnet;Username=rsrnet', or leave it empty for SQLite");
        }
        // Its value is not shown.
        if (Key.Length is > 0 and < 12) problems.Add($"Server.Key has {Key.Length} characters; it must have at least 12, or be empty");
        if (ImportBytes < 1024) problems.Add($"Server.ImportBytes is {ImportBytes}; it must be at least 1024");
        Check(nameof(BacklogWaitSeconds), BacklogWaitSeconds, 0, 300);
        Check(nameof(KeepAliveSeconds), KeepAliveSeconds, 0.1, 300);
        Check(nameof(TelemetrySeconds), TelemetrySeconds, 0.1, 60);
        Check(nameof(ShutdownSeconds), ShutdownSeconds, 0, 300);
        return problems;

        void Check(string name, double value, double least, double most)
        {
            if (!(value >= least && value <= most))
                problems.Add(FormattableString.Invariant($"Server.{name} is {value}; it must be {least} to {most}"));
        }
    }

    /// <summary>For messages: without <see cref="Database"/> and <see cref="Key"/>, which are secret.</summary>
    public override string ToString() => $"{nameof(ServerOptions)} {{ Urls = {Urls}, Data = {Data} }}";

    internal IReadOnlyList<string> Addresses() => Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string DefaultData()
    {
        var local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(local.Length > 0 ? local : AppContext.BaseDirectory, "rsrnet");
    }
}
