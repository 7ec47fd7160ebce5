using System.Net;

namespace RsrNet.Silo;

/// <summary>What this process is in a cluster, and how it reaches the others. The section <c>Silo</c> of a configuration file.</summary>
public sealed record SiloOptions
{
    internal const string Section = "Silo";

    /// <summary>What this process does. Default Local: everything, with nobody beside it.</summary>
    public ProcessRole Role { get; init; } = ProcessRole.Local;

    /// <summary>The cluster's name. Silos of one name and one database are one cluster. Default rsrnet; 1 to 100 characters.</summary>
    public string Cluster { get; init; } = "rsrnet";

    /// <summary>This silo's name on the dashboards. Default empty: its role, the machine's name and the port.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// The IP address of this machine at which silos and gateways reach this silo, and the only one it listens at. Default 127.0.0.1: processes of this
    /// machine alone.
    /// </summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>Port for other silos. Default 0: a free one; to 65535.</summary>
    public int Port { get; init; }

    /// <summary>Port for gateways and other Orleans clients. Default 0: a free one; to 65535.</summary>
    public int GatewayPort { get; init; }

    /// <summary>
    /// Seconds between two looks at whether another silo is alive. One that did not answer three of them is taken for dead, and what it held is taken over:
    /// sooner with a smaller number, but then also from one that was only slow. Default 5; 0.5 to 300.
    /// </summary>
    public double ProbeSeconds { get; init; } = 5;

    /// <summary>
    /// Path of the Orleans Dashboard on this process' server, such as /admin/orleans. Default empty: none. The silos that it is to show need it set, too.
    /// </summary>
    public string Dashboard { get; init; } = "";

    public SiloTls Tls { get; init; } = new();

    /// <summary>What is out of its range, each naming the option and the range; empty where all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (Cluster.Length is < 1 or > 100) problems.Add($"Silo.Cluster has {Cluster.Length} characters; it must have 1 to 100");
        if (!IPAddress.TryParse(Address, out var address)) problems.Add($"Silo.Address is '{Address}'; give an IP address of this machine, such as 10.0.0.7");
        else if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            problems.Add($"Silo.Address is {Address}, at which nobody can reach it; give the one address that the other machines use");
        foreach (var (name, port) in ((string, int)[])[(nameof(Port), Port), (nameof(GatewayPort), GatewayPort)])
        {
            if (port is < 0 or > 65535) problems.Add($"Silo.{name} is {port}; it must be 0 to 65535");
        }
        if (!(ProbeSeconds is >= 0.5 and <= 300)) problems.Add(FormattableString.Invariant($"Silo.ProbeSeconds is {ProbeSeconds}; it must be 0.5 to 300"));
        if (Port != 0 && Port == GatewayPort) problems.Add($"Silo.Port and Silo.GatewayPort are both {Port}; they must differ");
        if (Dashboard.Length > 0 && (!Dashboard.StartsWith('/') || Dashboard.Length < 2 || Dashboard.EndsWith('/') || Dashboard.StartsWith("/v1", StringComparison.Ordinal)))
            problems.Add($"Silo.Dashboard is '{Dashboard}'; give a path of its own, such as /admin/orleans, or nothing");
        problems.AddRange(Tls.Problems());
        return problems;
    }
}

public enum ProcessRole
{
    /// <summary>A cluster of one: silo, server and store in this process. SQLite in the data folder, or PostgreSQL.</summary>
    Local,
    /// <summary>A silo that holds documents, coordinator, search index and replicas.</summary>
    Cpu,
    /// <summary>A silo that holds replicas, and the rest only while no silo of the role Cpu is there.</summary>
    Gpu,
    /// <summary>API and dashboard before a cluster, of which this process is a client.</summary>
    Gateway,
}
