using System.Diagnostics;
using System.Globalization;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Torch.Replicas;

namespace RsrNet.Torch.Tests.Replicas;

/// <summary>
/// What a training step takes on each engine of this machine, in turns. Passes whatever comes out, and runs only when asked for:
/// <c>dotnet run -c Release --project tests/RsrNet.Torch.Tests -- -explicit only -showliveoutput</c>.
/// </summary>
public sealed class TorchFigures
{
    private const int Rounds = 9;

    [Theory(Explicit = true)]
    [InlineData(64)]
    [InlineData(1024)]
    [InlineData(8192)]
    public void TrainingStep(int rows)
    {
        var shape = RecursionShape.Notebook;
        var weights = RandomBatch.Weights(shape, 1);
        var batch = RandomBatch.WithState(shape, rows, 2);
        List<(string Name, IRecursionEngine Engine, List<double> Seconds)> engines =
            [("cpu", new CpuEngine(shape, new RecursionOptions()), []), ("torch-cpu", TorchDevices.Engine("torch-cpu", shape), [])];
        if (TorchDevice.ProblemOfCuda() is null) engines.Add(("cuda", TorchDevices.Engine("cuda", shape), []));
        Compare("", rows, engines, weights, batch);
    }

    /// <summary>The residual mode's step over demo articles.</summary>
    [Theory(Explicit = true)]
    [InlineData(64)]
    [InlineData(1024)]
    public void ResidualTrainingStep(int rows)
    {
        var weights = TorchResidualEngineTests.NewsWeights();
        var options = new ResidualOptions().Recursion;
        List<(string Name, IRecursionEngine Engine, List<double> Seconds)> engines =
            [("cpu", new ResidualEngine(weights.Shape, options), []), ("torch-cpu", TorchEngines.Open(TorchDevices.Of("torch-cpu"), weights.Shape, options), [])];
        if (TorchDevice.ProblemOfCuda() is null) engines.Add(("cuda", TorchEngines.Open(TorchDevices.Of("cuda"), weights.Shape, options), []));
        Compare("residual ", rows, engines, weights, TorchResidualEngineTests.News(rows - 1));
    }

    private static void Compare(
        string mode, int rows, List<(string Name, IRecursionEngine Engine, List<double> Seconds)> engines, RecursionWeights weights, RecursionBatch batch)
    {
        var gradient = new float[weights.Layout.ParameterCount];
        foreach (var (_, engine, _) in engines)
        {
            engine.Load(weights);
            engine.Train(batch, gradient); // makes its buffers
        }
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (_, engine, seconds) in engines)
            {
                var began = Stopwatch.GetTimestamp();
                engine.Train(batch, gradient);
                seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
        }
        foreach (var (name, engine, seconds) in engines)
        {
            seconds.Sort();
            var own = engines[0].Seconds.Order().ElementAt(Rounds / 2);
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{mode}training step, {rows} rows, {name}: {1000 * seconds[Rounds / 2]:0.0} ms, {seconds[Rounds / 2] / own:0.00} times cpu's"));
            engine.Dispose();
        }
    }
}
