namespace RsrNet.Core.Telemetry;

/// <summary>Collects what one replica does. Not thread-safe.</summary>
internal sealed class ReplicaFigures(string name, string silo, string engine, TimeProvider time)
{
    private const int Window = 200;

    private readonly SlidingMean batch = new(Window), train = new(Window), refine = new(Window), staleness = new(Window);
    private readonly RateMeter steps = new(time);
    private long gradients;
    private long refused;

    public string Name => name;

    public void OnTrained(int documents, TimeSpan elapsed, long? versionsBehind)
    {
        gradients++;
        steps.Add(documents);
        batch.Add(documents);
        train.Add(elapsed.TotalSeconds);
        if (versionsBehind is { } versions) staleness.Add(versions);
    }

    public void OnRefined(int documents, TimeSpan elapsed)
    {
        steps.Add(documents);
        refine.Add(elapsed.TotalSeconds);
    }

    public void OnRefused()
    {
        gradients++;
        refused++;
    }

    public ReplicaSnapshot Read() => new(
        name, silo, engine, batch.Value, train.Value, refine.Value, staleness.Value, gradients, refused, steps.PerSecond);
}
