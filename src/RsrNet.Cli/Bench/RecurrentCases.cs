using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Cli.Bench;

/// <summary>A training step of a recurrent model: forward, loss, back, clip, Adam. The batch is the same each time, on both sides.</summary>
internal abstract class RecurrentStep : BenchCase
{
    private readonly ITextEngine _engine;
    private readonly RecurrentState? _state;
    private readonly int _ignored;
    private int[] _tokens = [], _targets = [];

    /// <param name="carries">Whether the state goes on from step to step.</param>
    /// <param name="ignored">Target of rows that do not count.</param>
    /// <param name="open">What computes; null for our own tape.</param>
    private protected RecurrentStep(
        string name, int batch, ITextNetwork network, OpenTextEngine? open, bool carries = false, int ignored = ITextEngine.NoTarget)
        : base(name, batch, threads: 1)
    {
        var optimizer = new AdamState(network.Parameters.Values.Length);
        _engine = open?.Invoke(network, optimizer, new CoordinationOptions(), seed: 1) ?? new TapeEngine(network, optimizer, new CoordinationOptions(), seed: 1);
        _state = carries ? network.NewState(batch) : null;
        _ignored = ignored;
    }

    public override double Operations => 0;

    protected PackedSteps Steps { get; } = new();

    public override void Run()
    {
        _engine.Differentiate(_tokens, Steps, _targets, _state, _ignored);
        _engine.Apply();
    }

    public override void Dispose() => _engine.Dispose();

    private protected void Set(int[] tokens, int[] targets) => (_tokens, _targets) = (tokens, targets);

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
    public NumbersStep(int batch, OpenTextEngine? open = null)
        : base("recurrent-numbers", batch, new NotebookLanguageModel(30, 64, NotebookStage.Every, seed: 1), open, carries: true)
    {
        Steps.Set(batch, 16);
        Set(Draw(Steps.Rows, 30, 1), Draw(Steps.Rows, 30, 2));
    }

    public override string PeerKind => "numbers";
}

/// <summary>The character model: 100 steps, C 128, H 128, 100 characters, nn.RNN.</summary>
internal sealed class CharacterStep : RecurrentStep
{
    public CharacterStep(int batch, OpenTextEngine? open = null)
        : base(
            "recurrent-char", batch,
            RecurrentNetwork.Create(new RecurrentShape(100, 128, 128, 100, RecurrentCell.Rnn, SequenceOutput.Every, Padding: 0), seed: 1), open, ignored: 0)
    {
        Steps.Set(batch, 100);
        Set(Draw(Steps.Rows, 100, 1), Draw(Steps.Rows, 100, 2));
    }

    public override string PeerKind => "char";
}

/// <summary>The LSTM classifier: texts of 20 to 60 words, 10,000 words, C 64, H 128, 4 classes.</summary>
internal sealed class ClassifierStep : RecurrentStep
{
    public ClassifierStep(int batch, OpenTextEngine? open = null)
        : base("recurrent-lstm", batch, RecurrentNetwork.Create(new RecurrentShape(10_000, 64, 128, 4, RecurrentCell.Lstm, SequenceOutput.Last, Padding: 0), seed: 1), open)
    {
        Steps.Set([.. Enumerable.Range(0, batch).Select(b => 60 - 40 * b / batch)]);
        Set(Draw(Steps.Rows, 10_000, 1), [.. Enumerable.Range(0, batch).Select(b => b % 4)]);
    }

    public override string PeerKind => "lstm";
}
