using RsrNet.Core.Replicas;
using RsrNet.Core.Tests;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Core.Weights;
using RsrNet.Torch.Replicas;
using TorchSharp;

namespace RsrNet.Torch.Tests.Replicas;

/// <summary>Weights on their way between Core's safetensors and TorchSharp.</summary>
public sealed class RecursionModuleTests : IDisposable
{
    private static readonly RecursionShape Tiny = new(6, 5, 4);

    private readonly DisposeScope scope = torch.NewDisposeScope();
    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Safetensors_ThroughAModule_ComeBackBitByBit()
    {
        using var file = new MemoryStream();
        StateDict.Write(file, Sample());
        file.Position = 0;
        using var module = new RecursionModule(Tiny);

        module.Load(StateDict.Read(new MemoryStream(file.ToArray())));
        using var again = new MemoryStream();
        StateDict.Write(again, module.ToWeights());

        Assert.Equal(file.ToArray(), again.ToArray());
    }

    /// <summary>The names and shapes are PyTorch's, so any module that has them takes the state_dict, and gives one.</summary>
    [Fact]
    public void StateDict_HasPyTorchsNamesAndShapes()
    {
        using var module = new RecursionModule(Tiny);
        var layout = ParameterLayout.Of(Tiny);
        var expected = layout.Parameters.Concat(layout.Statistics).ToDictionary(slot => slot.Name, slot => slot.Shape.ToArray());
        expected["bn1.num_batches_tracked"] = expected["bn2.num_batches_tracked"] = [];

        var actual = module.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.shape);

        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (name, shape) in expected) Assert.Equal(shape, actual[name]);
    }

    [Fact]
    public void LoadStateDict_OfAnotherModule_TakesEverything()
    {
        using RecursionModule first = new(Tiny), second = new(Tiny);
        first.Load(Sample());

        second.load_state_dict(first.state_dict());

        AssertSame(Sample(), second.ToWeights());
    }

    [Fact]
    public void Save_ThenLoad_InTorchSharpsFormat()
    {
        using RecursionModule first = new(Tiny), second = new(Tiny);
        first.Load(Sample());

        first.save(folder.File("weights.dat"));
        second.load(folder.File("weights.dat"));

        AssertSame(Sample(), second.ToWeights());
    }

    /// <summary>The module alone, called as users of TorchSharp do, is the network the engine runs.</summary>
    [Fact]
    public void Forward_CalledOneByOne_EqualsTheEnginesRefinement()
    {
        var weights = Sample();
        using var module = new RecursionModule(Tiny);
        module.Load(weights);
        module.eval();
        using var engine = TorchDevices.Engine("torch-cpu", Tiny, new RecursionOptions { Calls = 3, LatentRecursions = 1 });
        engine.Load(weights);
        var batch = RandomBatch.WithState(Tiny, 5, 7);
        torch.Tensor x = torch.tensor(batch.X, 5, 6), y = torch.tensor(batch.Y, 5, 6), z = torch.tensor(batch.Z, 5, 4), aux = x;
        for (var call = 0; call < 3; call++) (y, z, aux) = module.forward(x, y, z);
        engine.Refine(batch);

        EngineComparison.Near(batch.Y, y.data<float>().ToArray(), 1e-6, "y");
        EngineComparison.Near(batch.Z, z.data<float>().ToArray(), 1e-6, "z");
        Assert.Equal([5, 6], aux.shape);
        Assert.NotEqual(y.data<float>().ToArray(), aux.data<float>().ToArray());
    }

    [Fact]
    public void Forward_InTraining_CountsBatchesAndMovesStatistics()
    {
        using var module = new RecursionModule(Tiny);
        module.Load(Sample());
        module.train();
        var batch = RandomBatch.WithState(Tiny, 5, 7);
        module.forward(torch.tensor(batch.X, 5, 6), torch.tensor(batch.Y, 5, 6), torch.tensor(batch.Z, 5, 4));

        var after = module.ToWeights();

        Assert.Equal(Sample().BatchesTracked + 1, after.BatchesTracked);
        Assert.NotEqual(Sample().Statistics, after.Statistics);
    }

    /// <summary>libtorch would end the process here.</summary>
    [Fact]
    public void Forward_WithAnotherShape_IsRefusedByName()
    {
        using var module = new RecursionModule(Tiny);
        var problem = Assert.Throws<ArgumentException>(() => module.forward(torch.zeros(3, 6), torch.zeros(3, 5), torch.zeros(3, 4)));
        Assert.Contains("y has shape [3, 5], not [3, 6]", problem.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => module.forward(torch.zeros(3, 6), torch.zeros(2, 6), torch.zeros(3, 4)));
        Assert.Throws<ArgumentException>(() => module.forward(torch.zeros(6), torch.zeros(3, 6), torch.zeros(3, 4)));
        Assert.Throws<ArgumentException>(() => module.Load(new RecursionWeights(new RecursionShape(7, 5, 4))));
    }

    private static RecursionWeights Sample()
    {
        var weights = RandomBatch.Weights(Tiny, 3);
        weights.BatchesTracked = 36;
        return weights;
    }

    private static void AssertSame(RecursionWeights expected, RecursionWeights actual)
    {
        Assert.Equal(expected.Parameters, actual.Parameters);
        Assert.Equal(expected.Statistics, actual.Statistics);
        Assert.Equal(expected.BatchesTracked, actual.BatchesTracked);
    }
}
