namespace RsrNet.Core.Documents;

/// <summary>How many documents have which status, asked of the store now and then, with what came since added.</summary>
internal sealed class BacklogGauge(IDocumentStore store, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromMilliseconds(500);
    private readonly SemaphoreSlim gate = new(1, 1);
    private DocumentCounts counts;
    private long? readAt;
    private long arrived;

    /// <summary>Unfinished documents; may count some twice for half a second, never too few.</summary>
    public async ValueTask<long> Waiting(CancellationToken cancellation) => (await Read(cancellation)).Unfinished + Interlocked.Read(ref arrived);

    public void OnArrived(int documents) => Interlocked.Add(ref arrived, documents);

    public void Dispose() => gate.Dispose();

    public async ValueTask<DocumentCounts> Read(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            if (readAt is { } at && time.GetElapsedTime(at) < FreshFor) return counts;
            var before = Interlocked.Read(ref arrived);
            counts = await store.Count(cancellation);
            Interlocked.Add(ref arrived, -before);
            readAt = time.GetTimestamp();
            return counts;
        }
        finally
        {
            gate.Release();
        }
    }
}
