using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>The vector a document is found by.</summary>
public static class SearchVector
{
    /// <summary>
    /// unit(unit(y) + 2 unit(x)) once there is a y, unit(x) before. The article's own embedding leads, because retrieval by it was better than by
    /// any learned y alone; y is added at no loss and brings what the highlights of other articles taught.
    /// </summary>
    /// <param name="x">[d] the article's embedding.</param>
    /// <param name="y">[d] the summary embedding; null before the first supervision step. A zero y or one that holds no number counts as none.</param>
    /// <returns>[d] of unit length; zero where x and y are.</returns>
    public static float[] Of(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var vector = new float[x.Length];
        var scaleX = Scale(x);
        var scaleY = Scale(y);
        for (var i = 0; i < vector.Length; i++) vector[i] = scaleY == 0 ? scaleX * x[i] : (2 * scaleX * x[i]) + (scaleY * y[i]);
        var scale = Scale(vector);
        for (var i = 0; i < vector.Length; i++) vector[i] *= scale;
        return vector;
    }

    // What to multiply with for unit length; 0 where there is no direction.
    private static float Scale(ReadOnlySpan<float> vector)
    {
        var norm = MathF.Sqrt(VectorMath.Dot(vector, vector));
        return norm > 0 && float.IsFinite(norm) ? 1 / norm : 0;
    }
}
