using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>How well a labelled document was known before it was learned from.</summary>
/// <param name="Similarity">Cosine of the refined y to t.</param>
/// <param name="Error">Mean squared error of the refined y to t.</param>
public readonly record struct Prediction(float Similarity, float Error)
{
    /// <summary>Highlights that came late are held against what was foretold while nobody knew them.</summary>
    /// <param name="document">Labelled; as it was before this prediction.</param>
    internal Prediction OrForetold(Document document) => document.WasForetold ? Of(document.State!.Y, document.Embedding!.T!) : this;

    /// <param name="y">[d]</param>
    /// <param name="t">[d]</param>
    public static Prediction Of(ReadOnlySpan<float> y, ReadOnlySpan<float> t) => new(VectorMath.Cosine(y, t), VectorMath.MeanSquaredError(y, t));
}
