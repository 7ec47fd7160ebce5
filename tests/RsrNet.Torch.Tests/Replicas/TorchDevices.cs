using RsrNet.Core.Replicas;
using RsrNet.Torch.Replicas;

namespace RsrNet.Torch.Tests.Replicas;

/// <summary>The devices of this machine, each made once for all tests.</summary>
internal static class TorchDevices
{
    private static readonly Lazy<TorchDevice> Processor = new(() => TorchDevice.Cpu(threads: 2));
    private static readonly Lazy<TorchDevice> Gpu = new(TorchDevice.Cuda);

    /// <summary>For theories: every device there may be; those that are not there are skipped.</summary>
    public static TheoryData<string> Names => ["torch-cpu", "cuda"];

    public static TorchDevice Of(string name)
    {
        if (name == "torch-cpu") return Processor.Value;
        if (TorchDevice.ProblemOfCuda() is { } problem) Assert.Skip(problem);
        return Gpu.Value;
    }

    public static TorchEngine Engine(string device, RecursionShape shape, RecursionOptions? options = null) =>
        new(Of(device), shape, options ?? new RecursionOptions());
}
