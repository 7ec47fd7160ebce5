using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Tests.Numerics.Gradients;

/// <summary>Each operation's gradient against finite differences, and what holds for all of them.</summary>
public sealed class TapeTests
{
    private const int Vocabulary = 9, Width = 19, Hidden = 21;

    private static readonly int[] Lengths = [5, 4, 4, 1];
    private static readonly int[] Tokens = [1, 2, 3, 4, 1, 1, 0, 5, 6, 7, 8, 2, 2, 3];
    private static readonly float[] Targets = [0, 1, 1, 0];

    private delegate TapeLoss Model(Tape tape, ParameterSet parameters, PackedSteps steps);

    public static TheoryData<string, VectorWidth> Cases
    {
        get
        {
            var cases = new TheoryData<string, VectorWidth>();
            foreach (var name in Models.Keys)
            {
                foreach (var width in Enum.GetValues<VectorWidth>()) cases.Add(name, width);
            }
            return cases;
        }
    }

    private static Dictionary<string, Model> Models { get; } = new()
    {
        ["embedding, mean, linear"] = (tape, p, steps) => Classify(tape, p, tape.Mean(tape.Embed(p["table"], Tokens, padding: 0), steps), "head"),
        ["projection, last"] = (tape, p, steps) => Classify(tape, p, tape.Last(Projected(tape, p, 1), steps), "wide head"),
        ["tanh layer"] = (tape, p, steps) => Classify(
            tape, p, tape.Last(tape.Recur(Projected(tape, p, 1), steps, p["hh1"], Activation.Tanh, Start(tape)), steps), "wide head"),
        ["relu layer"] = (tape, p, steps) => Classify(
            tape, p, tape.Mean(tape.Recur(Projected(tape, p, 1), steps, p["hh1"], Activation.Relu), steps), "wide head"),
        ["lstm"] = (tape, p, steps) => Classify(
            tape, p, tape.Last(tape.RecurLstm(Projected(tape, p, 4), steps, p["hh4"], Start(tape), Start(tape), out _), steps), "wide head"),
        ["gru"] = (tape, p, steps) => Classify(
            tape, p, tape.Mean(tape.RecurGru(Projected(tape, p, 3), steps, p["hh3"], p["b3"], Start(tape)), steps), "wide head"),
        ["two layers, every state"] = (tape, p, steps) =>
        {
            var first = tape.RecurLstm(Projected(tape, p, 4), steps, p["hh4"], null, null, out _);
            var second = tape.RecurGru(tape.Linear(first, p["up"], p["b3"]), steps, p["hh3"], p["b3"]);
            return tape.CrossEntropy(tape.Linear(second, p["wide head"]), [1, 0, 2, -1, 1, 2, 0, 0, 1, 2, 0, 1, -1, 2], ignored: -1);
        },
        ["sum, activations, binary loss"] = (tape, p, steps) =>
        {
            var embedded = tape.Embed(p["table"], Tokens);
            var sum = tape.Add(tape.Activate(embedded, Activation.Tanh), tape.Activate(embedded, Activation.Relu));
            return tape.BinaryCrossEntropy(tape.Linear(tape.Last(sum, steps), p["one"]), Targets);
        },
        ["dropout"] = (tape, p, steps) => Classify(tape, p, tape.Dropout(tape.Last(Projected(tape, p, 1), steps), 0.4), "wide head"),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Backward_EachParameter_MatchesFiniteDifferences(string name, VectorWidth width)
    {
        if (!VectorWidths.IsSupported(width)) Assert.Skip($"this machine has no {width}");
        using var product = MatrixProduct.Create(width);
        var parameters = NewParameters();
        var steps = NewSteps();
        Run(name, product, parameters, steps, backward: true);
        var gradient = parameters.Gradient.ToArray();
        var random = new SplitMix64(5);
        foreach (var parameter in parameters.Parameters)
        {
            var direction = new float[parameter.Length];
            foreach (ref var element in direction.AsSpan()) element = random.NextUniform(1);
            // The padding row does not learn.
            if (parameter.Name == "table" && !name.StartsWith("sum", StringComparison.Ordinal)) direction.AsSpan(0, Width).Clear();
            var expected = Slope(name, product, parameters, steps, parameter, direction);
            double actual = 0;
            for (var i = 0; i < direction.Length; i++) actual += (double)gradient[parameter.Offset + i] * direction[i];
            Assert.True(Math.Abs(actual - expected) < 2e-3 + 0.02 * Math.Abs(expected), $"{name}, {parameter.Name}: {actual} instead of {expected}");
        }
        Assert.Contains(gradient, slope => slope != 0);
    }

    [Fact]
    public void Backward_PaddingRow_GetsNoGradient()
    {
        using var product = MatrixProduct.Create();
        foreach (var name in new[] { "embedding, mean, linear", "lstm" })
        {
            var parameters = NewParameters();
            Run(name, product, parameters, NewSteps(), backward: true);
            Assert.All(parameters["table"].Gradient[..Width].ToArray(), slope => Assert.Equal(0, slope));
            Assert.DoesNotContain(0, parameters["table"].TouchedRows.ToArray());
            Assert.Equal(8, parameters["table"].TouchedRows.Length);
        }
    }

    [Fact]
    public void Recur_WrittenByHandAndFused_Agree()
    {
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product);
        var steps = new PackedSteps();
        steps.Set(batch: 3, steps: 4);
        int[] tokens = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4];

        var fused = NewParameters();
        var states = tape.Recur(Projected(tape, fused, 1, tokens), steps, fused["hh1"], Activation.Tanh);
        var loss = Classify(tape, fused, tape.Last(states, steps), "wide head", [0, 1, 2]);
        tape.Backward();

        // The same with nothing but products, sums and tanh: h = tanh(x W_ih^T + b + h W_hh^T).
        var plain = NewParameters();
        tape.Clear();
        TapeMatrix? h = null;
        for (var t = 0; t < 4; t++)
        {
            var sum = tape.Linear(tape.Embed(plain["table"], tokens.AsSpan(3 * t, 3), padding: 0), plain["ih1"], plain["b1"]);
            if (h is not null) sum = tape.Add(sum, tape.Linear(h, plain["hh1"]));
            h = tape.Activate(sum, Activation.Tanh);
        }
        var loss2 = Classify(tape, plain, h!, "wide head", [0, 1, 2]);
        tape.Backward();

        Assert.Equal(loss.Value, loss2.Value, 1e-6);
        for (var i = 0; i < fused.Gradient.Length; i++) Assert.Equal(plain.Gradient[i], fused.Gradient[i], 1e-5f);
    }

    [Fact]
    public void EmbedAndProject_AgainstItsTwoParts_Agrees()
    {
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product);
        var parameters = NewParameters();
        var one = Projected(tape, parameters, 4).Values.ToArray();
        var two = tape.Linear(tape.Embed(parameters["table"], Tokens), parameters["ih4"], parameters["b4"], parameters["b4"]).Values.ToArray();
        for (var i = 0; i < one.Length; i++) Assert.Equal(two[i], one[i], 1e-5f);
    }

    [Fact]
    public void Recur_SequenceAlone_EqualsItselfInABatch()
    {
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product);
        var parameters = NewParameters();
        var steps = NewSteps();
        foreach (var gates in new[] { 1, 3, 4 })
        {
            tape.Clear();
            var together = tape.Last(Layer(steps, Tokens), steps).Values.ToArray();
            for (var b = 0; b < steps.Batch; b++)
            {
                var own = Enumerable.Range(0, Lengths[b]).Select(t => Tokens[steps.Offset(t) + b]).ToArray();
                var single = new PackedSteps();
                single.Set(1, Lengths[b]);
                tape.Clear();
                var alone = tape.Last(Layer(single, own), single).Values.ToArray();
                for (var j = 0; j < Hidden; j++) Assert.Equal(alone[j], together[b * Hidden + j], 1e-5f);
            }

            TapeMatrix Layer(PackedSteps of, int[] tokens)
            {
                var projected = Projected(tape, parameters, gates, tokens);
                return gates switch
                {
                    4 => tape.RecurLstm(projected, of, parameters["hh4"], null, null, out _),
                    3 => tape.RecurGru(projected, of, parameters["hh3"], parameters["b3"]),
                    _ => tape.Recur(projected, of, parameters["hh1"], Activation.Tanh),
                };
            }
        }
    }

    [Fact]
    public void Step_LikeTheOneBefore_AllocatesNothing()
    {
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product);
        var parameters = NewParameters();
        var steps = NewSteps();
        int[] targets = [0, 1, 2, 0];
        var least = long.MaxValue;
        for (var look = 0; look < 5; look++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10; i++)
            {
                tape.Clear();
                var states = tape.RecurLstm(Projected(tape, parameters, 4), steps, parameters["hh4"], null, null, out _);
                Classify(tape, parameters, tape.Dropout(tape.Last(states, steps), 0.3), "wide head", targets);
                tape.Backward();
                parameters.ClearGradient();
                parameters.OnChanged();
            }
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public void Dropout_ManyElements_KeepsTheirMean()
    {
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product, seed: 3);
        var ones = new float[40_000];
        ones.AsSpan().Fill(1);
        var dropped = tape.Dropout(tape.Input(ones, 200, 200), 0.25).Values.ToArray();
        Assert.InRange(dropped.Average(), 0.98, 1.02);
        Assert.InRange(dropped.Count(value => value == 0), 9_500, 10_500);
    }

    [Fact]
    public void Operations_WrongSizes_SayWhichTensor()
    {
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product);
        var parameters = NewParameters();
        Assert.Contains("'table'", Assert.Throws<ArgumentException>(() => { tape.Embed(parameters["table"], [Vocabulary]); }).Message, StringComparison.Ordinal);
        Assert.Contains("'head'", Assert.Throws<ArgumentException>(() => { tape.Linear(tape.Input([1, 2], 1, 2), parameters["head"]); }).Message, StringComparison.Ordinal);
        Assert.Contains("longest first", Assert.Throws<ArgumentException>(() => new PackedSteps().Set([1, 2])).Message, StringComparison.Ordinal);
        var projected = Projected(tape, parameters, 1);
        tape.Recur(projected, NewSteps(), parameters["hh1"], Activation.Tanh);
        Assert.Throws<InvalidOperationException>(() => { tape.Recur(projected, NewSteps(), parameters["hh1"], Activation.Tanh); });
    }

    private static double Run(string name, MatrixProduct product, ParameterSet parameters, PackedSteps steps, bool backward = false)
    {
        using var tape = new Tape(product, seed: 11);
        var loss = Models[name](tape, parameters, steps).Value;
        if (backward) tape.Backward();
        return loss;
    }

    /// <summary>The derivative along a direction, by the central difference.</summary>
    private static double Slope(string name, MatrixProduct product, ParameterSet parameters, PackedSteps steps, Parameter parameter, float[] direction)
    {
        // Small where a rectifier could change sides on the way.
        var step = name.StartsWith("relu", StringComparison.Ordinal) ? 1e-4f : 1e-3f;
        var kept = parameter.Values.ToArray();
        Move(step);
        var above = Run(name, product, parameters, steps);
        Move(-step);
        var below = Run(name, product, parameters, steps);
        Move(0);
        return (above - below) / (2 * step);

        void Move(float by)
        {
            for (var i = 0; i < kept.Length; i++) parameter.Values[i] = kept[i] + by * direction[i];
            parameters.OnChanged();
        }
    }

    private static ParameterSet NewParameters()
    {
        var parameters = new ParameterSet(
        [
            new("table", Vocabulary, Width, IsTable: true), new("head", 3, Width), new("wide head", 3, Hidden), new("one", 1, Width),
            new("ih1", Hidden, Width), new("hh1", Hidden, Hidden), new("b1", Hidden),
            new("ih3", 3 * Hidden, Width), new("hh3", 3 * Hidden, Hidden), new("b3", 3 * Hidden), new("up", 3 * Hidden, Hidden),
            new("ih4", 4 * Hidden, Width), new("hh4", 4 * Hidden, Hidden), new("b4", 4 * Hidden),
        ]);
        var random = new SplitMix64(2);
        foreach (ref var value in parameters.Values.AsSpan()) value = random.NextUniform(0.4);
        parameters.OnChanged();
        return parameters;
    }

    private static PackedSteps NewSteps()
    {
        var steps = new PackedSteps();
        steps.Set(Lengths);
        return steps;
    }

    private static TapeMatrix Projected(Tape tape, ParameterSet p, int gates, int[]? tokens = null) =>
        tape.EmbedAndProject(
            p["table"], tokens ?? Tokens, 0, p[gates == 1 ? "ih1" : gates == 3 ? "ih3" : "ih4"], p[gates == 1 ? "b1" : gates == 3 ? "b3" : "b4"],
            gates == 4 ? p["b4"] : null);

    private static TapeMatrix Start(Tape tape)
    {
        var values = new float[Lengths.Length * Hidden];
        for (var i = 0; i < values.Length; i++) values[i] = 0.02f * (i % 17) - 0.1f;
        return tape.Input(values, Lengths.Length, Hidden);
    }

    private static TapeLoss Classify(Tape tape, ParameterSet p, TapeMatrix summary, string head, int[]? targets = null) =>
        tape.CrossEntropy(tape.Linear(summary, p[head]), targets ?? [0, 2, -1, 1], ignored: -1);
}
