using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Cli.Bench;

/// <summary>A training step of a recurrent model: forward, loss, back, clip, Adam. The batch is the same each time, on both sides.</summary>
internal abstract class RecurrentStep : BenchCase
{
    private readonly MatrixProduct product = MatrixProduct.Create();

    protected RecurrentStep(string name, int batch)
        : base(name, batch, threads: 1) => Tape = new Tape(product);

    public override double Operations => 0;

    protected Tape Tape { get; }

    protected PackedSteps Steps { get; } = new();

    protected static CoordinationOptions Options { get; } = new();

    public override void Dispose()
    {
        Tape.Dispose();
        product.Dispose();
    }

    /// <summary>Token numbers as text has them: the frequent ones are small.</summary>
    protected static int[] Draw(int count, int vocabulary, ulong seed)
    {
        var random = new SplitMix64(seed);
        var tokens = new int[count];
        foreach (ref var token in tokens.AsSpan()) token = (int)(vocabulary * Math.Pow(random.NextDouble(), 3));
        return tokens;
    }
}

/// <summary>Stage 4 of the human-numbers notebook: 16 steps, H 64, 30 tokens, every position predicted.</summary>
internal sealed class NumbersStep : RecurrentStep
{
    private readonly NotebookLanguageModel _model = new(30, 64, seed: 1);
    private readonly ParameterAdam _optimizer;
    private readonly float[] _state;
    private readonly int[] _tokens, _targets;

    public NumbersStep(int batch)
        : base("recurrent-numbers", batch)
    {
        Steps.Set(batch, 16);
        _optimizer = new ParameterAdam(_model.Parameters, Options);
        _state = new float[batch * _model.Size];
        _tokens = Draw(Steps.Rows, 30, 1);
        _targets = Draw(Steps.Rows, 30, 2);
    }

    public override string PeerKind => "numbers";

    public override void Run()
    {
        Tape.Clear();
        Tape.CrossEntropy(_model.Forward(Tape, _tokens, Steps, _state, every: true), _targets);
        Tape.Backward();
        _optimizer.Apply();
    }
}

/// <summary>The character model: 100 steps, C 128, H 128, 100 characters, nn.RNN.</summary>
internal sealed class CharacterStep : RecurrentStep
{
    private readonly RecurrentNetwork _network =
        RecurrentNetwork.Create(new RecurrentShape(100, 128, 128, 100, RecurrentCell.Rnn, SequenceOutput.Every, Padding: 0), seed: 1);

    private readonly ParameterAdam _optimizer;
    private readonly int[] _tokens, _targets;

    public CharacterStep(int batch)
        : base("recurrent-char", batch)
    {
        Steps.Set(batch, 100);
        _optimizer = new ParameterAdam(_network.Parameters, Options);
        _tokens = Draw(Steps.Rows, 100, 1);
        _targets = Draw(Steps.Rows, 100, 2);
    }

    public override string PeerKind => "char";

    public override void Run()
    {
        Tape.Clear();
        Tape.CrossEntropy(_network.Forward(Tape, _tokens, Steps, training: true), _targets, ignored: 0);
        Tape.Backward();
        _optimizer.Apply();
    }
}

/// <summary>The LSTM classifier: texts of 20 to 60 words, 10,000 words, C 64, H 128, 4 classes.</summary>
internal sealed class ClassifierStep : RecurrentStep
{
    private readonly RecurrentNetwork _network =
        RecurrentNetwork.Create(new RecurrentShape(10_000, 64, 128, 4, RecurrentCell.Lstm, SequenceOutput.Last, Padding: 0), seed: 1);

    private readonly ParameterAdam _optimizer;
    private readonly int[] _tokens, _targets;

    public ClassifierStep(int batch)
        : base("recurrent-lstm", batch)
    {
        Steps.Set([.. Enumerable.Range(0, batch).Select(b => 60 - 40 * b / batch)]);
        _optimizer = new ParameterAdam(_network.Parameters, Options);
        _tokens = Draw(Steps.Rows, 10_000, 1);
        _targets = [.. Enumerable.Range(0, batch).Select(b => b % 4)];
    }

    public override string PeerKind => "lstm";

    public override void Run()
    {
        Tape.Clear();
        Tape.CrossEntropy(_network.Forward(Tape, _tokens, Steps, training: true), _targets);
        Tape.Backward();
        _optimizer.Apply();
    }
}
