using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Replicas.Recurrent;

/// <summary>Training steps of nn.RNN, nn.LSTM and nn.GRU with CrossEntropyLoss, clipping and Adam, recorded in PyTorch and repeated here.</summary>
public sealed class RecurrentRunsTests : IDisposable
{
    private const int Ignored = -100;

    private static readonly CoordinationOptions Options = new() { LearningRate = 1e-2, ClipNorm = 0.5 };

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Cases =>
    [
        "rnn-last", "rnn-every", "rnn_relu-last", "rnn_relu-every", "lstm-last", "lstm-every", "gru-last", "gru-every", "lstm-mean", "mean-mean",
    ];

    public void Dispose() => folder.Dispose();

    /// <summary>The golden file: recurrent_runs.py --out recurrent-runs.safetensors</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Train_GoldenRun_MatchesPyTorch(string name) =>
        Repeat(Path.Combine(AppContext.BaseDirectory, "Golden", "recurrent-runs.safetensors"), name, 2e-4);

    [Fact]
    public void Train_LargerRuns_MatchPyTorch()
    {
        TorchPython.Run(
            "recurrent_runs.py", "--out", folder.File("runs.safetensors"),
            "--vocabulary", "60", "--embedding", "33", "--hidden", "48", "--batch", "16", "--steps", "20");
        foreach (var name in Cases) Repeat(folder.File("runs.safetensors"), name, 2e-3);
    }

    private static void Repeat(string path, string name, double tolerance)
    {
        using var reader = SafetensorsReader.Open(path);
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product);
        var network = new RecurrentNetwork(ShapeOf(reader, name));
        foreach (var parameter in network.Parameters.Parameters) reader.ReadFloats($"{name}.init.{parameter.Name}", parameter.Values);
        network.Parameters.OnChanged();
        // PyTorch's Adam moves unused rows of the table by their moments too.
        var optimizer = new ParameterAdam(network.Parameters, Options, lazyTables: false);
        var steps = new PackedSteps();
        steps.Set(Numbers(reader, $"{name}.lengths"));
        var state = network.Shape.Output == SequenceOutput.Every ? new RecurrentState(network.Shape, steps.Batch) : null;
        for (var s = 0; s < 3; s++)
        {
            tape.Clear();
            var logits = network.Forward(tape, Numbers(reader, $"{name}.tokens.{s}"), steps, state);
            var loss = tape.CrossEntropy(logits, Numbers(reader, $"{name}.targets.{s}"), Ignored);
            tape.Backward();
            var norm = optimizer.Apply();
            Assert.Equal(1, loss.Value / reader.ReadFloats($"{name}.loss.{s}")[0], 1e-5);
            Assert.Equal(1, norm / reader.ReadFloats($"{name}.gradnorm.{s}")[0], 1e-4);
        }
        foreach (var parameter in network.Parameters.Parameters)
        {
            var expected = reader.ReadFloats($"{name}.final.{parameter.Name}");
            Assert.True(
                VectorMath.RelativeDistance(parameter.Values, expected) < tolerance,
                $"{name}, {parameter.Name}: {VectorMath.RelativeDistance(parameter.Values, expected)}");
        }
    }

    private static RecurrentShape ShapeOf(SafetensorsReader reader, string name)
    {
        var parts = name.Split('-');
        var cell = parts[0] switch
        {
            "rnn" => RecurrentCell.Rnn, "rnn_relu" => RecurrentCell.RnnRelu, "lstm" => RecurrentCell.Lstm, "gru" => RecurrentCell.Gru, _ => RecurrentCell.Mean,
        };
        var output = parts[1] switch { "last" => SequenceOutput.Last, "mean" => SequenceOutput.Mean, _ => SequenceOutput.Every };
        var table = reader.Header.Find($"{name}.init.embedding.weight")!.Shape;
        var head = reader.Header.Find($"{name}.init.fc.weight")!.Shape;
        var layers = reader.Header.Find($"{name}.init.rnn.weight_ih_l1") is null ? 1 : 2;
        return new RecurrentShape((int)table[0], (int)table[1], (int)head[1], (int)head[0], cell, output, layers, Padding: 0);
    }

    private static int[] Numbers(SafetensorsReader reader, string name) => [.. reader.ReadFloats(name).Select(value => (int)value)];
}
