using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Tests.Coordination;

public sealed class ParameterAdamTests
{
    private static readonly CoordinationOptions Options = new() { LearningRate = 0.1, ClipNorm = 1 };

    [Fact]
    public void Apply_LazyTable_MovesUsedRowsAlone()
    {
        var (lazy, dense) = (NewSet(), NewSet());
        var (lazyAdam, denseAdam) = (new ParameterAdam(lazy, Options), new ParameterAdam(dense, Options, lazyTables: false));
        foreach (var row in new[] { 1, 2 })
        {
            foreach (var (set, adam) in new[] { (lazy, lazyAdam), (dense, denseAdam) })
            {
                Touch(set, row);
                set["w"].Gradient[0] = 0.3f;
                adam.Apply();
                Assert.All(set.Gradient, slope => Assert.Equal(0, slope));
                Assert.True(set["table"].TouchedRows.IsEmpty);
            }
        }
        // The first step is the same in both; in the second, the row of the first goes on by its moments where the table is dense.
        Assert.Equal(dense["w"].Values.ToArray(), lazy["w"].Values.ToArray());
        Assert.Equal(0, lazy["table"].Values[0]);
        Assert.Equal(-0.1f, lazy["table"].Values[2], 1e-3f);
        Assert.True(dense["table"].Values[2] < -0.12f, $"{dense["table"].Values[2]}");
        Assert.Equal(dense["table"].Values[4], lazy["table"].Values[4], 1e-6f);
    }

    [Fact]
    public void Apply_GradientThatIsNoNumber_ChangesNothing()
    {
        var set = NewSet();
        var adam = new ParameterAdam(set, Options);
        set["w"].Gradient[1] = float.NaN;
        Assert.True(double.IsNaN(adam.Apply()));
        Assert.All(set.Values, value => Assert.Equal(0, value));
        Assert.All(set.Gradient, slope => Assert.Equal(0, slope));
        Assert.Equal(0, adam.State.Step);
    }

    [Fact]
    public void OneCycle_OverItsSteps_RisesAndFalls()
    {
        var rate = new OneCycleRate(1, 100);
        Assert.Equal(0.04, rate.At(0), 1e-9);
        Assert.Equal(1, rate.At(25), 1e-9);
        Assert.Equal(1e-5, rate.At(100), 1e-9);
        Assert.True(rate.At(10) < rate.At(20) && rate.At(50) > rate.At(90));
    }

    private static void Touch(ParameterSet set, int row)
    {
        using var product = RsrNet.Core.Numerics.MatrixProduct.Create();
        using var tape = new Tape(product);
        // The slope of -log softmax of two equal logits is plus and minus one half.
        tape.CrossEntropy(tape.Embed(set["table"], [row]), [1]);
        tape.Backward();
    }

    private static ParameterSet NewSet() => new([new("table", 4, 2, IsTable: true), new("w", 3)]);
}
