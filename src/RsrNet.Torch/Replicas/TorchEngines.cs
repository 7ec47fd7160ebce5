using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Torch.Embedding;
using RsrNet.Torch.Replicas.Recurrent;

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
            "torch-cpu", "libtorch on the processor", 10, static (shape, options) => Open(Processor.Value, shape, options))
        {
            Missing = TorchDevice.ProblemOfCpu,
            OpenText = static (network, optimizer, options, seed) => new TorchTextEngine(Processor.Value, network, optimizer, options, seed),
            OpenBart = static (folder, options, openTokenizer) => OpenBart(Processor.Value, folder, options, openTokenizer),
        })
        .Add(new EngineOffer("cuda", "libtorch on an NVIDIA GPU", 30, static (shape, options) => Open(Gpu.Value, shape, options))
        {
            Missing = TorchDevice.ProblemOfCuda,
            OpenText = static (network, optimizer, options, seed) => new TorchTextEngine(Gpu.Value, network, optimizer, options, seed),
            OpenBart = static (folder, options, openTokenizer) => OpenBart(Gpu.Value, folder, options, openTokenizer),
        })
        .AddChoice("torch", "cuda", "torch-cpu");

    /// <summary>The engine for the network of either mode on a device.</summary>
    internal static IRecursionEngine Open(TorchDevice device, RecursionShape shape, RecursionOptions options) =>
        shape.Mode == LearningMode.Residual ? new TorchResidualEngine(device, shape, options) : new TorchEngine(device, shape, options);

    /// <summary>BART's encoder on a device.</summary>
    /// <inheritdoc cref="BartEncoder.Open(string, EmbeddingOptions?)"/>
    internal static BartEncoder OpenBart(
        TorchDevice device, string folder, EmbeddingOptions options, Func<string, BartTokenizer>? openTokenizer = null) =>
        BartEncoder.Open(folder, options, weights => new TorchBartNetwork(device, weights, options.WeightPrecision), openTokenizer);
}
