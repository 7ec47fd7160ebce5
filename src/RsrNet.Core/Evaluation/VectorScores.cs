using RsrNet.Core.Numerics;

namespace RsrNet.Core.Evaluation;

/// <summary>Mean cosine and mean squared error of predictions, collected one by one.</summary>
internal sealed class VectorScores
{
    private double similarity;
    private double mse;
    private int count;

    /// <summary>0 before the first.</summary>
    public double Similarity => similarity / Math.Max(count, 1);

    public double Mse => mse / Math.Max(count, 1);

    /// <returns>The cosine.</returns>
    public double Add(ReadOnlySpan<float> y, ReadOnlySpan<float> t)
    {
        var cosine = VectorMath.Cosine(y, t);
        similarity += cosine;
        mse += VectorMath.MeanSquaredError(y, t);
        count++;
        return cosine;
    }
}
