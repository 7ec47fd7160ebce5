using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Torch.Replicas;
using RsrNet.Torch.Replicas.Recurrent;

namespace RsrNet.Torch.Tests.Replicas.Recurrent;

/// <summary>A network on the tape and the same on libtorch, with what both are asked.</summary>
internal sealed class TextTwins : IDisposable
{
    /// <summary>Beta2 and clipping of their own, so that a default nobody read would show.</summary>
    private static readonly CoordinationOptions Options = new() { LearningRate = 1e-2, ClipNorm = 0.5, Beta2 = 0.99 };

    private readonly ITextNetwork ours, theirs;
    private readonly AdamState ourMoments, theirMoments;
    private readonly RecurrentState? ourState, theirState;
    private readonly int vocabulary, outputs, ignored;
    private readonly bool each;
    private readonly string what;

    /// <param name="create">Makes the network, the same each time.</param>
    /// <param name="batch">Sequences at most.</param>
    /// <param name="ignored">Target that some rows have and that does not count.</param>
    public TextTwins(string device, string what, Func<ITextNetwork> create, int batch, bool carries, bool each, int outputs, int ignored)
    {
        (ours, theirs, this.what, this.each, this.outputs, this.ignored) = (create(), create(), $"{what} on {device}: ", each, outputs, ignored);
        vocabulary = ours.Parameters.Parameters[0].Rows;
        (ourMoments, theirMoments) = (new AdamState(ours.Parameters.Values.Length), new AdamState(ours.Parameters.Values.Length));
        if (carries) (ourState, theirState) = (ours.NewState(batch), theirs.NewState(batch));
        Tape = new TapeEngine(ours, ourMoments, Options, seed: 1);
        Twin = new TorchTextEngine(TorchDevices.Of(device), theirs, theirMoments, Options, seed: 1);
    }

    public TapeEngine Tape { get; }

    public TorchTextEngine Twin { get; }

    /// <summary>One with every kind and length of sequence of a shape.</summary>
    public static TextTwins Of(string device, RecurrentShape shape, int batch = 5) => new(
        device, $"{shape.Cell} {shape.Output} x {shape.Layers}", () => RecurrentNetwork.Create(shape, seed: 3), batch,
        carries: shape.Output == SequenceOutput.Every, shape.Output == SequenceOutput.Every, shape.Outputs, ignored: 0);

    public void Dispose()
    {
        Tape.Dispose();
        Twin.Dispose();
    }

    /// <summary>Sums, what the last layer sees, loss and hits, and the states that are left.</summary>
    public void CompareForward(ulong seed, params int[] lengths) => CompareForward(seed, 1e-5, lengths);

    /// <param name="tolerance">Wider where the weights have gone apart already.</param>
    public void CompareForward(ulong seed, double tolerance, params int[] lengths)
    {
        var (tokens, steps, targets) = Draw(seed, lengths);
        Near(Tape.Summarize(tokens, steps, ourState), Twin.Summarize(tokens, steps, theirState), tolerance, "summary");
        CompareStates(tolerance);
        Near(Tape.Forward(tokens, steps, ourState), Twin.Forward(tokens, steps, theirState), tolerance, "sums");
        CompareStates(tolerance);
        AssertSame(Tape.Evaluate(tokens, steps, targets, ourState, ignored), Twin.Evaluate(tokens, steps, targets, theirState, ignored), tolerance);
        CompareStates(tolerance);
    }

    /// <summary>Loss and gradient of every tensor, then the update: norm, values and moments.</summary>
    /// <param name="tolerance">Of values and moments after it.</param>
    public void CompareStep(ulong seed, double tolerance, double weightDecay, params int[] lengths)
    {
        var (tokens, steps, targets) = Draw(seed, lengths);
        AssertSame(
            Tape.Differentiate(tokens, steps, targets, ourState, ignored), Twin.Differentiate(tokens, steps, targets, theirState, ignored), tolerance);
        Twin.ReadGradient(theirs.Parameters);
        var norm = FusedAdam.Norm(ours.Parameters.Gradient);
        for (var i = 0; i < ours.Parameters.Parameters.Count; i++)
        {
            var (own, other) = (ours.Parameters.Parameters[i], theirs.Parameters.Parameters[i]);
            Near(own.Gradient, other.Gradient, Math.Max(1e-4, tolerance), $"gradient of {own.Name}", 1e-6 * norm);
        }
        Assert.Equal(1, Twin.Apply(weightDecay) / Tape.Apply(weightDecay), Math.Max(1e-4, tolerance));
        CompareStates(tolerance);
        Twin.Synchronize();
        foreach (var own in ours.Parameters.Parameters) Near(own.Values, theirs.Parameters[own.Name].Values, tolerance, own.Name);
        Near(ourMoments.Mean, theirMoments.Mean, 10 * tolerance, "mean of gradients");
        Near(ourMoments.Variance, theirMoments.Variance, 10 * tolerance, "mean of squares");
        Assert.Equal(ourMoments.Step, theirMoments.Step);
    }

    /// <summary>Tokens with padding and repeats among them, and targets of which some do not count.</summary>
    private (int[] Tokens, PackedSteps Steps, int[] Targets) Draw(ulong seed, int[] lengths)
    {
        var steps = new PackedSteps();
        steps.Set(lengths);
        var random = new SplitMix64(seed);
        var tokens = new int[steps.Rows];
        foreach (ref var token in tokens.AsSpan()) token = (int)(random.Next() % (ulong)vocabulary);
        tokens[0] = 0;
        var targets = new int[each ? steps.Rows : steps.Batch];
        foreach (ref var target in targets.AsSpan()) target = (int)(random.Next() % (ulong)outputs);
        if (targets.Length > 1) targets[1] = ignored;
        return (tokens, steps, targets);
    }

    private void CompareStates(double tolerance)
    {
        if (ourState is null) return;
        Near(ourState.Hidden, theirState!.Hidden, tolerance, "h");
        Near(ourState.Cell, theirState.Cell, tolerance, "c");
    }

    private void AssertSame(TapeLoss expected, TapeLoss actual, double tolerance)
    {
        Assert.Equal((expected.Count, expected.Hits), (actual.Count, actual.Hits));
        Assert.True(expected.Count > 0);
        Assert.True(Math.Abs(expected.Value - actual.Value) <= tolerance * expected.Value, $"{what}loss {actual.Value}, not {expected.Value}");
    }

    private void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string of, double floor = 0)
    {
        Assert.Equal(expected.Length, actual.Length);
        EngineComparison.Near(expected, actual, tolerance, what + of, floor);
    }
}
