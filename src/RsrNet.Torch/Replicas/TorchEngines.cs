using RsrNet.Core.Replicas;

namespace RsrNet.Torch.Replicas;

/// <summary>What this library adds to the engines of a program.</summary>
public static class TorchEngines
{
    // A device is made when the first engine on it is, and lives as long as the process: all engines of a process share its thread.
    private static readonly Lazy<TorchDevice> Processor = new(() => TorchDevice.Cpu());
    private static readonly Lazy<TorchDevice> Gpu = new(TorchDevice.Cuda);

    /// <summary>torch-cpu, cuda, and torch, which is cuda where there is a GPU and torch-cpu otherwise.</summary>
    public static EngineCatalog AddTorch(this EngineCatalog catalog) => catalog
        .Add(new EngineOffer(
            "torch-cpu", "libtorch on the processor", 10, (shape, options) => new TorchEngine(Processor.Value, shape, options))
        {
            Missing = TorchDevice.ProblemOfCpu,
        })
        .Add(new EngineOffer("cuda", "libtorch on an NVIDIA GPU", 30, (shape, options) => new TorchEngine(Gpu.Value, shape, options))
        {
            Missing = TorchDevice.ProblemOfCuda,
        })
        .AddChoice("torch", "cuda", "torch-cpu");
}
