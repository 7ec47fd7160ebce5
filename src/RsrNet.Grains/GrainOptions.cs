namespace RsrNet.Grains;

/// <summary>How the learner is spread over a cluster. The same on every silo and gateway of it.</summary>
public sealed record GrainOptions
{
    /// <summary>A device that replicas may be on: any.</summary>
    public const string AnyDevice = "any";

    /// <summary>Parts of the search index, each on one silo. Default 4; 1 to 1024. Not changed while the cluster runs: each document belongs to one of them.</summary>
    public int SearchShards { get; init; } = 4;

    /// <summary>
    /// The device (<c>cpu</c>, <c>cuda</c>) or the role (<c>gpu</c>) whose silos replicas are placed on, where there are any; on others only while there are
    /// none. Default <c>any</c>: all silos.
    /// </summary>
    public string ReplicaDevice { get; init; } = AnyDevice;

    /// <summary>
    /// How often the queue is read from its beginning, so that a document whose work was lost with a silo does not wait for ever. Seconds; default 30;
    /// above 0.
    /// </summary>
    public double RescanSeconds { get; init; } = 30;

    /// <summary>What is out of its range; empty where all is well.</summary>
    /// <param name="section">What to call the section in messages.</param>
    public IReadOnlyList<string> Problems(string section = "Grains")
    {
        var problems = new List<string>();
        if (SearchShards is < 1 or > 1024) problems.Add($"{section}.SearchShards is {SearchShards}; it must be 1 to 1024");
        if (string.IsNullOrWhiteSpace(ReplicaDevice)) problems.Add($"{section}.ReplicaDevice is empty; name a device, or '{AnyDevice}'");
        if (!(RescanSeconds > 0)) problems.Add(FormattableString.Invariant($"{section}.RescanSeconds is {RescanSeconds}; it must be above 0"));
        return problems;
    }
}
