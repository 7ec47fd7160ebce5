using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

/// <summary>A fast engine against the plain loops: everything that a call gives back, within single precision.</summary>
internal static class EngineComparison
{
    /// <summary>One training step from a stored state: loss, state, gradient of each tensor, running statistics.</summary>
    public static void Training(Func<IRecursionEngine> create, RecursionShape shape, RecursionOptions options, int rows, string what)
    {
        var weights = RandomBatch.Weights(shape, 3);
        using var reference = new ReferenceEngine(shape, options);
        using var engine = create();
        RecursionBatch expected = RandomBatch.WithState(shape, rows, 5), actual = RandomBatch.WithState(shape, rows, 5);
        float[] expectedGradient = new float[weights.Parameters.Length], gradient = new float[weights.Parameters.Length];
        Array.Fill(gradient, float.NaN);
        reference.Load(weights);
        engine.Load(weights);
        var expectedLoss = reference.Train(expected, expectedGradient);
        var loss = engine.Train(actual, gradient);

        what = $"{shape} of {rows} rows, {what}: ";
        var tolerance = rows < 8 ? 1e-3 : 1e-4;
        var norm = GradientClip.Norm(expectedGradient);
        Assert.Equal(expectedLoss, loss, 0.1 * tolerance * expectedLoss);
        Near(expected.Y, actual.Y, tolerance, what + "y");
        Near(expected.Z, actual.Z, tolerance, what + "z");
        Near(expected.Confidence, actual.Confidence, tolerance, what + "q");
        Near(expected.RowLoss, actual.RowLoss, tolerance, what + "row loss");
        foreach (var slot in weights.Layout.Parameters)
        {
            // Where a tensor's gradient is next to nothing, such as that of a bias before BatchNorm, only rounding is left to compare.
            Near(slot.Of(expectedGradient), slot.Of(gradient), tolerance, what + slot.Name, 1e-6 * norm);
        }
        RecursionWeights expectedMoved = weights.Clone(), moved = weights.Clone();
        reference.ReadStatistics(expectedMoved);
        engine.ReadStatistics(moved);
        Near(expectedMoved.Statistics, moved.Statistics, 1e-5, what + "statistics");
        Assert.Equal(expectedMoved.BatchesTracked, moved.BatchesTracked);
    }

    /// <summary>One refinement step of new documents, and of known ones.</summary>
    public static void Refinement(Func<IRecursionEngine> create, RecursionShape shape, RecursionOptions options, int rows, string what)
    {
        using var reference = new ReferenceEngine(shape, options);
        using var engine = create();
        var weights = RandomBatch.Weights(shape, 3);
        reference.Load(weights);
        engine.Load(weights);
        what = $"{shape} of {rows} rows, {what}: ";
        foreach (var fresh in (bool[])[true, false])
        {
            var expected = fresh ? RandomBatch.Of(shape, rows, 5) : RandomBatch.WithState(shape, rows, 5);
            var actual = fresh ? RandomBatch.Of(shape, rows, 5) : RandomBatch.WithState(shape, rows, 5);
            reference.Refine(expected);
            engine.Refine(actual);
            Near(expected.Y, actual.Y, 1e-5, what + "y");
            Near(expected.Z, actual.Z, 1e-5, what + "z");
            Near(expected.Confidence, actual.Confidence, 1e-5, what + "q");
        }
    }

    /// <summary>||actual - expected|| at most tolerance ||expected|| + floor.</summary>
    public static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what, double floor = 0)
    {
        double distance = 0, size = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            distance += Math.Pow((double)expected[i] - actual[i], 2);
            size += Math.Pow(expected[i], 2);
        }
        Assert.True(
            Math.Sqrt(distance) <= tolerance * Math.Sqrt(size) + floor,
            $"{what} is off by {Math.Sqrt(distance / size):E2}, more than {tolerance:E0}");
    }
}
