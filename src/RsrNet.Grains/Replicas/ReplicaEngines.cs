using RsrNet.Core;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;

namespace RsrNet.Grains.Replicas;

/// <summary>
/// The engines of one silo and the threads they run on. On a processor each replica has a thread of its own; a device has one thread, which all
/// replicas of the silo share.
/// </summary>
/// <param name="engine">Makes an engine for the network of either mode.</param>
/// <param name="device">What engines run on: <see cref="Cpu"/>, or the name of a device.</param>
public sealed class ReplicaEngines(
    Func<RecursionShape, RecursionOptions, IRecursionEngine> engine, string device, RsrNetOptions options, ITextEncoder encoder) : IDisposable
{
    public const string Cpu = "cpu";

    private readonly Lock gate = new();
    private ComputeThread? shared;

    public string Device => device;

    /// <summary>The thread for one replica; give it back with <see cref="Return"/>.</summary>
    public ComputeThread Thread(int replica)
    {
        if (device == Cpu) return new ComputeThread($"replica {replica}");
        lock (gate) return shared ??= new ComputeThread(device);
    }

    public void Return(ComputeThread thread)
    {
        if (thread != shared) thread.Dispose();
    }

    /// <summary>Call on the thread that will use it.</summary>
    public IRecursionEngine Create() => engine(options.Shape(encoder.Dimensions), options.Recursion);

    public void Dispose() => shared?.Dispose();
}
