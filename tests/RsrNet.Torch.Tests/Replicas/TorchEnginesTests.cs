using RsrNet.Core.Replicas;
using RsrNet.Torch.Replicas;

namespace RsrNet.Torch.Tests.Replicas;

public sealed class TorchEnginesTests
{
    private static readonly RecursionShape Tiny = new(6, 5, 4);

    [Theory]
    [InlineData("torch-cpu")]
    [InlineData("torch")]
    public void Find_ByName_RunsOnLibtorch(string name)
    {
        using var engine = EngineCatalog.OfCore().AddTorch().Find(name).Create(Tiny, new RecursionOptions());
        Assert.IsType<TorchEngine>(engine);
    }

    /// <summary>What a silo tells the others of its device is the name of the engine that runs, not of the choice.</summary>
    [Fact]
    public void Torch_IsCudaOrElseTheProcessor() =>
        Assert.Equal(
            TorchDevice.ProblemOfCuda() is null ? "cuda" : "torch-cpu", EngineCatalog.OfCore().AddTorch().Find("torch").Name);

    [Fact]
    public void Cuda_WithoutADevice_SaysWhatIsMissing()
    {
        if (TorchDevice.ProblemOfCuda() is null) Assert.Skip("this machine has a CUDA device");
        var problem = Assert.Throws<EngineUnavailableException>(() => EngineCatalog.OfCore().AddTorch().Find("cuda"));
        Assert.Contains("NVIDIA driver", problem.Message, StringComparison.Ordinal);
        Assert.Contains("-p:TorchDevice=cuda", problem.Message, StringComparison.Ordinal);
        Assert.Throws<EngineUnavailableException>(TorchDevice.Cuda);
    }

    [Fact]
    public void Auto_TakesTheGpuWhereThereIsOne() =>
        Assert.Equal(TorchDevice.ProblemOfCuda() is null ? "cuda" : "cpu", EngineCatalog.OfCore().AddTorch().Find("auto").Name);
}
