namespace RsrNet.Core.Telemetry;

/// <summary>Takes what only the host knows: how large the store is on its disk.</summary>
public static class StoreSize
{
    /// <param name="bytes">Documents and weights together.</param>
    public static void Measured(long bytes) => DocumentInstruments.OnStoreMeasured(bytes);
}
