using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>How well a labelled document was known before it was learned from.</summary>
/// <param name="Similarity">Cosine of the refined y to t.</param>
/// <param name="Error">Mean squared error of the refined y to t.</param>
public readonly record struct Prediction(float Similarity, float Error)
{
    /// <param name="y">[d]</param>
    /// <param name="t">[d]</param>
    public static Prediction Of(ReadOnlySpan<float> y, ReadOnlySpan<float> t) => new(VectorMath.Cosine(y, t), VectorMath.MeanSquaredError(y, t));
}
