using RsrNet.Core.Numerics;

namespace RsrNet.Core.Evaluation;

/// <summary>A simple way to foretell t, judged beside ours.</summary>
public interface IBaseline
{
    string Name { get; }

    /// <param name="x">[d]</param>
    /// <param name="y">[d]; overwritten.</param>
    void Predict(ReadOnlySpan<float> x, Span<float> y);

    /// <param name="x">[d]</param>
    /// <param name="t">[d]</param>
    void Learn(ReadOnlySpan<float> x, ReadOnlySpan<float> t);
}

/// <summary>The article is its own summary.</summary>
public sealed class CopyBaseline : IBaseline
{
    public string Name => "copy";

    public void Predict(ReadOnlySpan<float> x, Span<float> y) => x.CopyTo(y);

    public void Learn(ReadOnlySpan<float> x, ReadOnlySpan<float> t)
    {
    }
}

/// <summary>Every summary is the mean of those seen so far.</summary>
/// <param name="dimensions">d</param>
public sealed class MeanBaseline(int dimensions) : IBaseline
{
    private readonly RunningMean mean = new(dimensions, long.MaxValue);

    public string Name => "mean";

    public void Predict(ReadOnlySpan<float> x, Span<float> y)
    {
        for (var j = 0; j < y.Length; j++) y[j] = (float)mean.Mean[j];
    }

    public void Learn(ReadOnlySpan<float> x, ReadOnlySpan<float> t) => mean.Add(t);
}

/// <summary>Ridge regression of t - x on x, by recursive least squares: the best linear map, shrunk towards a copy.</summary>
/// <param name="dimensions">d</param>
/// <param name="lambda">How many articles of unit length the prior counts for; 10 was best of 1, 3, 10, 30 on CNN/DailyMail.</param>
public sealed class RidgeBaseline(int dimensions, double lambda = 10) : IBaseline
{
    private readonly RecursiveLeastSquares regression = new(dimensions, dimensions, lambda);
    private readonly double[] features = new double[dimensions];
    private readonly double[] values = new double[dimensions];

    public string Name => "ridge";

    public void Predict(ReadOnlySpan<float> x, Span<float> y)
    {
        for (var j = 0; j < x.Length; j++) features[j] = x[j];
        regression.Predict(features, values);
        for (var j = 0; j < x.Length; j++) y[j] = x[j] + (float)values[j];
    }

    public void Learn(ReadOnlySpan<float> x, ReadOnlySpan<float> t)
    {
        for (var j = 0; j < x.Length; j++) (features[j], values[j]) = (x[j], t[j] - x[j]);
        regression.Observe(features, values);
    }
}
