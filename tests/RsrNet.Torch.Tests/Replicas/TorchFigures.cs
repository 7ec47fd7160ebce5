using System.Diagnostics;
using System.Globalization;
using RsrNet.Cli.Bench;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Torch.Replicas;
using RsrNet.Torch.Replicas.Recurrent;

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

    /// <summary>The text models of <c>rsrnet bench</c>, batches of 64: our tape and libtorch on one thread each, in processor time; a GPU by the clock.</summary>
    [Theory(Explicit = true)]
    [InlineData("recurrent-numbers")]
    [InlineData("recurrent-char")]
    [InlineData("recurrent-lstm")]
    public void TextModelStep(string name)
    {
        using var alone = TorchDevice.Cpu(threads: 1);
        using RecurrentStep ours = Step(null), libtorchs = Step(On(alone));
        using var cuda = TorchDevice.ProblemOfCuda() is null ? Step(On(TorchDevices.Of("cuda"))) : null;
        List<(string Name, Func<double> Measure, List<double> Seconds)> engines = [("cpu", ours.Measure, []), ("torch-cpu", libtorchs.Measure, [])];
        if (cuda is not null) engines.Add(("cuda", () => ByTheClock(cuda), []));
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (_, measure, seconds) in engines) seconds.Add(measure());
        }
        foreach (var (engine, _, seconds) in engines)
        {
            var ratio = seconds.Zip(engines[0].Seconds, (their, own) => their / own).Order().ElementAt(Rounds / 2);
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name}, {engine}: {1000 * seconds.Order().ElementAt(Rounds / 2):0.00} ms, {ratio:0.00} times cpu's in the same round"));
        }

        static double ByTheClock(RecurrentStep step)
        {
            const int Repeats = 20;
            step.Run();
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < Repeats; i++) step.Run();
            return Stopwatch.GetElapsedTime(began).TotalSeconds / Repeats;
        }

        RecurrentStep Step(OpenTextEngine? open) => name switch
        {
            "recurrent-numbers" => new NumbersStep(64, open), "recurrent-char" => new CharacterStep(64, open), _ => new ClassifierStep(64, open),
        };

        static OpenTextEngine On(TorchDevice device) => (network, optimizer, options, seed) => new TorchTextEngine(device, network, optimizer, options, seed);
    }
}
