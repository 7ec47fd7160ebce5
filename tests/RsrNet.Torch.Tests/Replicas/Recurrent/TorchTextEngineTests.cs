using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Torch.Replicas;
using RsrNet.Torch.Replicas.Recurrent;
using TorchSharp;

namespace RsrNet.Torch.Tests.Replicas.Recurrent;

/// <summary>libtorch's twins against our tape: 1e-5 for what is computed, 1e-4 for gradients and one update, 1e-3 after several, relative by tensor.</summary>
public sealed class TorchTextEngineTests
{
    /// <summary>Sizes that are no multiple of anything.</summary>
    private static readonly RecurrentShape Small = new(23, 7, 9, 5, RecurrentCell.Lstm, SequenceOutput.Last, Padding: 0);

    private static readonly int[] Ragged = [11, 7, 7, 3, 1], Uniform = [6, 6, 6, 6, 6];

    /// <summary>Every cell with every summary, one layer and two.</summary>
    private static IEnumerable<RecurrentShape> Kinds =>
        from cell in Enum.GetValues<RecurrentCell>()
        from output in Enum.GetValues<SequenceOutput>()
        from layers in Enumerable.Range(1, cell == RecurrentCell.Mean ? 1 : 2)
        select Small with { Cell = cell, Output = output, Layers = layers };

    public static TheoryData<string> Devices => TorchDevices.Names;

    [Theory]
    [MemberData(nameof(Devices))]
    public void Forward_EveryKind_EqualsTheTape(string device)
    {
        foreach (var shape in Kinds)
        {
            using var twins = TextTwins.Of(device, shape);
            twins.CompareForward(1, Ragged);
            // The states of the window before, with fewer sequences than there were.
            twins.CompareForward(2, Uniform);
            twins.CompareForward(3, 4, 2);
            twins.CompareForward(4, 1);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Step_EveryKind_EqualsTheTapes(string device)
    {
        foreach (var shape in Kinds)
        {
            using var ragged = TextTwins.Of(device, shape);
            ragged.CompareStep(1, 1e-4, weightDecay: 0, Ragged);
            using var uniform = TextTwins.Of(device, shape);
            uniform.CompareStep(2, 1e-4, weightDecay: 0.1, Uniform);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void SomeSteps_EveryKind_StayWithTheTapes(string device)
    {
        foreach (var shape in Kinds)
        {
            using var twins = TextTwins.Of(device, shape);
            for (var round = 0UL; round < 6; round++) twins.CompareStep(10 + round, 1e-3, weightDecay: 0, round % 2 == 0 ? Ragged : Uniform);
            twins.CompareForward(20, 1e-3, Ragged);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void NotebookStages_EqualTheTapes(string device)
    {
        foreach (var (stage, carries) in new[] { (NotebookStage.Unrolled, false), (NotebookStage.Last, false), (NotebookStage.Last, true), (NotebookStage.Every, true) })
        {
            using var twins = new TextTwins(
                device, $"stage {stage}", () => new NotebookLanguageModel(19, 12, stage, seed: 4), batch: 5, carries, stage == NotebookStage.Every, outputs: 19,
                ignored: ITextEngine.NoTarget);
            var unrolled = stage == NotebookStage.Unrolled;
            int[] uniform = unrolled ? [3, 3, 3, 3, 3] : Uniform, ragged = unrolled ? [3, 3] : Ragged;
            twins.CompareForward(1, uniform);
            twins.CompareForward(2, ragged);
            twins.CompareStep(3, 1e-4, weightDecay: 0.03, uniform);
            for (var round = 0UL; round < 5; round++) twins.CompareStep(4 + round, 1e-3, weightDecay: 0.03, round % 2 == 0 ? ragged : uniform);
        }
    }

    /// <summary>Sizes of the bench, where libtorch takes other routines than for a few numbers.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Step_LargerSizes_EqualsTheTapes(string device)
    {
        int[] lengths = [.. Enumerable.Range(0, 64).Select(b => 60 - 40 * b / 64)];
        using var classifier = TextTwins.Of(device, new RecurrentShape(2_000, 64, 128, 4, RecurrentCell.Lstm, SequenceOutput.Mean, Padding: 0), batch: 64);
        classifier.CompareForward(1, lengths);
        classifier.CompareStep(2, 1e-4, weightDecay: 0, lengths);
        using var speaker = TextTwins.Of(device, new RecurrentShape(300, 96, 128, 300, RecurrentCell.Gru, SequenceOutput.Every, Layers: 2, Padding: 0), batch: 64);
        speaker.CompareForward(3, lengths);
        speaker.CompareStep(4, 1e-4, weightDecay: 0, lengths);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Module_HasPyTorchsNamesAndShapes(string device)
    {
        foreach (var cell in Enum.GetValues<RecurrentCell>())
        {
            var network = RecurrentNetwork.Create(Small with { Cell = cell, Layers = cell == RecurrentCell.Mean ? 1 : 2 }, 1);
            AssertNames(TextModule.Of(network, TorchDevices.Of(device).Device), network);
        }
        var notebook = new NotebookLanguageModel(19, 12, NotebookStage.Every, seed: 4);
        AssertNames(TextModule.Of(notebook, TorchDevices.Of(device).Device), notebook);

        static void AssertNames(TextModule module, ITextNetwork network)
        {
            using var scope = torch.NewDisposeScope();
            var expected = network.Parameters.Parameters.ToDictionary(
                parameter => parameter.Name, parameter => parameter.Columns == 0 ? new long[] { parameter.Rows } : [parameter.Rows, parameter.Columns]);
            var actual = module.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.shape);
            Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
            foreach (var (name, shape) in expected) Assert.Equal(shape, actual[name]);
            module.Dispose();
        }
    }

    /// <summary>Neither in what is computed nor in what is learned: its row stays as it is.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Padding_WhereverItStands_LearnsNothing(string device)
    {
        using var engine = Engine(device, Small with { Padding = 2 }, out var network, out _);
        var before = network.Parameters["embedding.weight"].Values.ToArray();
        Assert.All(before[(2 * 7)..(3 * 7)], value => Assert.Equal(0, value));
        Learn(engine, [2, 5, 2, 6, 2], [3, 2]);
        engine.Synchronize();
        var after = network.Parameters["embedding.weight"].Values.ToArray();
        Assert.Equal(before[(2 * 7)..(3 * 7)], after[(2 * 7)..(3 * 7)]);
        Assert.NotEqual(before[(5 * 7)..(6 * 7)], after[(5 * 7)..(6 * 7)]);
        // Rows that no token used, too.
        Assert.Equal(before[(7 * 7)..], after[(7 * 7)..]);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void NoTargetThatCounts_MovesByTheMomentsAlone_AsOnTheTape(string device)
    {
        var options = new CoordinationOptions { LearningRate = 1e-2 };
        var (ours, theirs) = (RecurrentNetwork.Create(Small, 3), RecurrentNetwork.Create(Small, 3));
        using var tape = new TapeEngine(ours, new AdamState(ours.Parameters.Values.Length), options, 1);
        using var twin = new TorchTextEngine(TorchDevices.Of(device), theirs, new AdamState(theirs.Parameters.Values.Length), options, 1);
        var steps = new PackedSteps();
        steps.Set([2, 1]);
        foreach (var engine in (ITextEngine[])[tape, twin])
        {
            engine.Differentiate([1, 2, 3], steps, [4, 3]);
            engine.Apply();
            Assert.Equal(default, engine.Evaluate([1, 2, 3], steps, [0, 0], ignored: 0));
            Assert.Equal(default, engine.Differentiate([1, 2, 3], steps, [0, 0], ignored: 0));
            Assert.Equal(0, engine.Apply());
            engine.Synchronize();
        }
        for (var i = 0; i < ours.Parameters.Values.Length; i++) Assert.Equal(ours.Parameters.Values[i], theirs.Parameters.Values[i], 1e-5f);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Gradient_ThatIsNotFinite_LeavesEverythingAsItWas(string device)
    {
        using var engine = Engine(device, Small, out var network, out var moments);
        network.Parameters["fc.bias"].Values[1] = float.NaN;
        engine.Load(network, moments);
        var before = network.Parameters.Values.ToArray();
        var steps = new PackedSteps();
        steps.Set([2, 1]);
        Assert.True(double.IsNaN(engine.Differentiate([1, 2, 3], steps, [4, 3]).Value));
        Assert.False(double.IsFinite(engine.Apply()));
        engine.Synchronize();
        Assert.Equal(before, network.Parameters.Values);
        Assert.Equal(0, moments.Step);
        Assert.All(moments.Mean, value => Assert.Equal(0, value));
    }

    /// <summary>Its draws differ from the tape's, so it is held against itself: only training has it, and its mean is right.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Dropout_OnlyInTraining_AndTheSameForTheSameSeed(string device)
    {
        var shape = Small with { Layers = 2, Dropout = 0.5, TokenDropout = 0.3, Unknown = 1 };
        using var engine = Engine(device, shape, out _, out _);
        var steps = new PackedSteps();
        steps.Set([4, 2]);
        int[] tokens = [5, 6, 7, 8, 9, 10], targets = [1, 2];
        var sure = engine.Evaluate(tokens, steps, targets);
        Assert.Equal(sure, engine.Evaluate(tokens, steps, targets));
        using var one = Engine(device, shape, out _, out _);
        var first = Losses(one);
        using var two = Engine(device, shape, out _, out _);
        Assert.Equal(first, Losses(two));
        Assert.True(first.Distinct().Count() > 15);
        Assert.InRange(first.Average() - sure.Value, -0.3, 0.3);

        double[] Losses(TorchTextEngine some) => [.. Enumerable.Range(0, 20).Select(_ => some.Differentiate(tokens, steps, targets).Value)];
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void LearningRate_OfASchedule_IsThatOfTheNextUpdate(string device)
    {
        using var engine = Engine(device, Small, out var network, out _);
        engine.LearningRate = 0;
        var before = network.Parameters.Values.ToArray();
        Learn(engine, [1, 2, 3], [2, 1]);
        engine.Synchronize();
        Assert.Equal(before, network.Parameters.Values);
        engine.LearningRate = 0.1;
        Learn(engine, [1, 2, 3], [2, 1]);
        engine.Synchronize();
        Assert.NotEqual(before, network.Parameters.Values);
    }

    /// <summary>
    /// Not even the garbage collector is needed: the count of live tensors is the same after 40 steps and after 2,000, over every kind of pass, with and without padding.
    /// </summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void ManySteps_LeaveNoTensorBehind(string device)
    {
        foreach (var cell in (RecurrentCell[])[RecurrentCell.Lstm, RecurrentCell.Gru, RecurrentCell.Rnn, RecurrentCell.Mean])
        {
            using var engine = Engine(device, Small with { Cell = cell, Output = SequenceOutput.Every, Layers = cell == RecurrentCell.Mean ? 1 : 2 }, out var network, out _);
            Steps(engine, network, 40);
            var live = torch.Tensor.TotalCount;
            Steps(engine, network, 500);
            Assert.Equal(live, torch.Tensor.TotalCount);
        }

        static void Steps(TorchTextEngine engine, RecurrentNetwork network, int count)
        {
            var steps = new PackedSteps();
            var state = network.NewState(3);
            for (var i = 0; i < count; i++)
            {
                steps.Set(i % 2 == 0 ? [3, 2, 1] : [2, 2, 2]);
                int[] tokens = [1, 2, 3, 4, 5, 6], targets = [1, 2, 3, 4, 0, 1];
                engine.Differentiate(tokens, steps, targets, state);
                // Now and then a gradient is given up.
                if (i % 7 != 0) engine.Apply();
                engine.Evaluate(tokens, steps, targets, state);
                engine.Forward(tokens, steps, state);
                engine.Summarize(tokens, steps, state);
                if (i % 20 == 0) engine.Synchronize();
            }
            engine.Differentiate([1, 2, 3, 4, 5, 6], steps, [1, 2, 3, 4, 0, 1], state);
            engine.Apply();
        }
    }

    /// <summary>TorchSharp counts the two parameters of a linear layer twice, even where it is disposed of; nothing else is left of a network that was replaced.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Load_ManyTimes_LeavesNothingOfTheNetworksBefore(string device)
    {
        const int Times = 50;
        using var engine = Engine(device, Small with { Layers = 2 }, out var network, out var moments);
        var before = torch.Tensor.TotalCount;
        for (var i = 0; i < Times; i++) torch.nn.Linear(9, 5).Dispose();
        var ofLinear = torch.Tensor.TotalCount - before;
        before = torch.Tensor.TotalCount;
        for (var i = 0; i < Times; i++) engine.Load(network, moments);
        Assert.Equal(ofLinear, torch.Tensor.TotalCount - before);
    }

    [Fact]
    public void TwoEngines_FromManyThreads_ShareTheDevice()
    {
        using var expected = Engine("torch-cpu", Small, out var network, out _);
        var losses = Losses(expected);
        expected.Synchronize();
        Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 3 }, _ =>
        {
            using var engine = Engine("torch-cpu", Small, out var own, out var _);
            Assert.Equal(losses, Losses(engine));
            engine.Synchronize();
            Assert.Equal(network.Parameters.Values, own.Parameters.Values);
        });

        static double[] Losses(TorchTextEngine engine) => [.. Enumerable.Range(0, 10).Select(_ => Learn(engine, [1, 2, 3, 4, 5], [3, 2]).Value)];
    }

    /// <summary>libtorch would end the process for some of these.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void WrongUse_IsNamedBeforeLibtorchSeesIt(string device)
    {
        using var engine = Engine(device, Small with { Output = SequenceOutput.Every }, out var network, out var moments);
        var steps = new PackedSteps();
        steps.Set([2, 1]);
        Refused("2 tokens for 3 places", () => engine.Forward([1, 2], steps));
        Refused("token 23 is not in 'embedding.weight', which has 23 rows", () => engine.Forward([1, 2, 23], steps));
        Refused("token -1 is not in", () => engine.Forward([1, 2, -1], steps));
        Refused("2 targets for 3 rows", () => engine.Evaluate([1, 2, 3], steps, [1, 2]));
        Refused("target 5 is not below 5", () => engine.Differentiate([1, 2, 3], steps, [1, 2, 5]));
        Refused("a state of 1 x [1, 9] is not one of 1 x [2 or more, 9]", () => engine.Forward([1, 2, 3], steps, network.NewState(1)));
        Refused("a state of 1 x [2, 8]", () => engine.Forward([1, 2, 3], steps, new RecurrentState(1, 2, 8, hasCell: true)));
        Refused("a state of 1 x [2, 9]", () => engine.Forward([1, 2, 3], steps, new RecurrentState(1, 2, 9, hasCell: false)));
        Refused("Adam's state has 3 elements", () => engine.Load(network, new AdamState(3)));
        Assert.Throws<InvalidOperationException>(() => engine.Apply());
        using var unrolled = new TorchTextEngine(
            TorchDevices.Of(device), new NotebookLanguageModel(19, 12, NotebookStage.Unrolled, 1), new AdamState(19 * 12 + 12 * 12 + 12 + 19 * 12 + 19), new(), 1);
        Refused("stage 1 reads 3 tokens", () => unrolled.Forward([1, 2, 3], steps));
        // And it goes on as if nothing had been.
        Assert.Equal(3, engine.Evaluate([1, 2, 3], steps, [1, 2, 3]).Count);
        Assert.Equal(0, moments.Step);

        static void Refused(string why, Action call) => Assert.Contains(why, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);
    }

    private static TorchTextEngine Engine(string device, RecurrentShape shape, out RecurrentNetwork network, out AdamState moments)
    {
        network = RecurrentNetwork.Create(shape, seed: 3);
        moments = new AdamState(network.Parameters.Values.Length);
        return new TorchTextEngine(TorchDevices.Of(device), network, moments, new CoordinationOptions { LearningRate = 1e-2 }, seed: 5);
    }

    private static TapeLoss Learn(TorchTextEngine engine, int[] tokens, int[] lengths)
    {
        var steps = new PackedSteps();
        steps.Set(lengths);
        var loss = engine.Differentiate(tokens, steps, [.. lengths.Select((_, b) => b)]);
        engine.Apply();
        return loss;
    }
}
