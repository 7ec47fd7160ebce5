using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Weights;

public sealed class RecordedRunTests : IDisposable
{
    /// <summary>make_run.py --d 12 --h 8 --latent 4 --batch 5 --steps 3 --batches 2 --seed 7</summary>
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "run-12-8-4.safetensors");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Replay_GoldenRun_MatchesPyTorch()
    {
        var report = Replay(Golden);
        Assert.True(report.Passed, Describe(report));
        Assert.Equal(["eval", "final", "gradnorm", "loss", "q", "y", "z"], report.Worst.Keys.Order());
        Assert.Equal((new RecursionShape(12, 8, 4), 2, 6), (report.Shape, report.Batches, report.Steps));
        Assert.Null(report.FirstStepAbove);
        // Much closer than the tolerances: these are float's rounding over six steps.
        foreach (var kind in new[] { "loss", "gradnorm", "y", "z", "q", "eval" }) Assert.True(report.Worst[kind] < 1e-5, Describe(report));
    }

    [Fact]
    public void Replay_FullSize_MatchesPyTorch()
    {
        // A seed of which all ReLUs keep clear of their edges; see the remarks on RecordedRun.
        TorchPython.Run("make_run.py", "--seed", "4", "--out", folder.File("run.safetensors"));
        foreach (var report in (RecordedRunReport[])[Replay(folder.File("run.safetensors")), ReplayOnVectors(folder.File("run.safetensors"))])
        {
            Assert.Equal(RecursionShape.Notebook, report.Shape);
            Assert.True(report.Passed, Describe(report));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(nameof(TrainingWay.Plain))]
    [InlineData(nameof(TrainingWay.Mixed))]
    [InlineData(nameof(TrainingWay.Folded))]
    public void Replay_GoldenRunOnVectors_MatchesPyTorch(string? way)
    {
        var report = ReplayOnVectors(Golden, way is null ? null : Enum.Parse<TrainingWay>(way));
        Assert.True(report.Passed, Describe(report));
        foreach (var kind in new[] { "loss", "gradnorm", "y", "z", "q", "eval" }) Assert.True(report.Worst[kind] < 1e-4, Describe(report));
    }

    [Fact]
    public void Replay_OneToleranceForAll_IsUsed()
    {
        Assert.False(Replay(Golden, tolerance: 1e-12).Passed);
        Assert.Equal(0.5, Replay(Golden, tolerance: 0.5).ToleranceOf("loss"));
    }

    [Theory]
    [InlineData(3, 3)]
    [InlineData(4, 2)]
    public void Replay_OtherDepth_DoesNotPass(int calls, int recursions)
    {
        var report = RecordedRun.Read(Golden).Replay(
            (shape, options) => new ReferenceEngine(shape, options), new RecursionOptions { Calls = calls, LatentRecursions = recursions });
        Assert.False(report.Passed);
        Assert.Equal("0.0", report.FirstStepAbove);
    }

    /// <summary>Each kind of value is really compared: one per cent off in one tensor, and the run does not pass.</summary>
    [Theory]
    [InlineData("loss.1.2", "loss")]
    [InlineData("gradnorm.0.1", "gradnorm")]
    [InlineData("y.1.0", "y")]
    [InlineData("z.0.2", "z")]
    [InlineData("q.1.1", "q")]
    [InlineData("final.fc2.weight", "final")]
    [InlineData("final.fc_aux.bias", "final")]
    [InlineData("final.bn2.running_var", "final")]
    [InlineData("eval.z", "eval")]
    public void Replay_ChangedTensor_DoesNotPass(string name, string kind)
    {
        Rewrite(Golden, (tensor, values) => tensor == name ? [.. values.Select(value => value * 1.01f)] : values);
        var report = Replay(folder.File("run.safetensors"));
        Assert.False(report.Passed);
        Assert.InRange(report.Worst[kind], 0.009, 0.9);
    }

    /// <summary>What rounding makes of a bias before a BatchNorm is at most a learning rate per step; more is an error.</summary>
    [Fact]
    public void Replay_BiasBeyondItsDrift_DoesNotPass()
    {
        Rewrite(Golden, (tensor, values) => tensor == "final.fc1.bias" ? [.. values.Select(value => value + 0.02f)] : values);
        Assert.False(Replay(folder.File("run.safetensors")).Passed);
    }

    [Fact]
    public void Replay_NotANumber_DoesNotPass()
    {
        Rewrite(Golden, (tensor, values) => tensor == "x.0" ? [float.NaN, .. values[1..]] : values);
        var report = Replay(folder.File("run.safetensors"));
        Assert.False(report.Passed);
        Assert.Equal(double.PositiveInfinity, report.Worst["loss"]);
    }

    [Theory]
    [InlineData("fc_aux")]
    [InlineData("num_batches_tracked")]
    [InlineData("gradnorm")]
    public void Replay_WithoutWhatIsNotNeeded_Passes(string part)
    {
        Rewrite(Golden, (tensor, values) => tensor.Contains(part, StringComparison.Ordinal) ? null : values);
        Assert.True(Replay(folder.File("run.safetensors")).Passed);
    }

    [Theory]
    [InlineData("init.fc1.bias")]
    [InlineData("final.bn1.weight")]
    [InlineData("t.1")]
    [InlineData("x.0")]
    [InlineData("loss.1.0")]
    public void Read_MissingTensor_NamesIt(string name)
    {
        Rewrite(Golden, (tensor, values) => tensor == name ? null : values);
        var exception = Assert.Throws<InvalidDataException>(() => RecordedRun.Read(folder.File("run.safetensors")));
        Assert.Contains($"'{name}' is missing", exception.Message, StringComparison.Ordinal);
    }

    private static RecordedRunReport Replay(string path, double? tolerance = null) =>
        RecordedRun.Read(path).Replay((shape, options) => new ReferenceEngine(shape, options), tolerance: tolerance);

    private static RecordedRunReport ReplayOnVectors(string path, TrainingWay? way = null) =>
        RecordedRun.Read(path).Replay((shape, options) => new CpuEngine(shape, options) { Way = way });

    /// <summary>Copies a run to run.safetensors with each tensor changed, or left out where that is null.</summary>
    private void Rewrite(string source, Func<string, float[], float[]?> change)
    {
        using var reader = SafetensorsReader.Open(source);
        var writer = new SafetensorsWriter();
        foreach (var entry in reader.Header.Entries)
        {
            if (entry.Dtype == "I64")
            {
                if (change(entry.Name, []) is not null) writer.Add(entry.Name, entry.Shape, reader.ReadLongs(entry.Name));
            }
            else if (change(entry.Name, reader.ReadFloats(entry.Name)) is { } values) writer.Add(entry.Name, entry.Shape, values);
        }
        using var file = File.Create(folder.File("run.safetensors"));
        writer.WriteTo(file);
    }

    private static string Describe(RecordedRunReport report) => string.Join(", ", report.Worst.Select(pair =>
        $"{pair.Key} {pair.Value:g3}"));
}
